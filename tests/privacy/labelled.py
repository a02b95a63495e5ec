"""Columns of which it is known whether they are personal, in many locales, from Faker."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any, Optional

import numpy as np
import pyarrow as pa
from faker import Faker

__all__ = ["HELD_OUT", "HARMLESS", "NAMES", "PERSONAL", "TUNED", "Labelled", "labelled"]

ROWS = 120

PERSONAL = {
    "first_name": "first_name", "last_name": "last_name", "full_name": "full_name",
    "short_name": "contact", "email": "email", "phone": "phone", "phone_digits": "mobile",
    "phone_number": "phone_number", "street": "street", "address": "address",
    "postcode": "postal_code", "user_name": "username", "iban": "iban",
    "card": "credit_card_number", "national_id": "ssn", "passport": "passport_number",
    "tax_id": "tax_id", "plate": "license_plate", "ip": "ip_address", "mac": "mac_address",
    "profile_url": "profile_url", "url_with_id": "link", "email_list": "recipients",
    "free_text": "notes", "json": "payload",
}  # fmt: skip
"""Kinds of personal columns, and what English speakers call them."""

HARMLESS = {
    "status": "status", "product": "product_name", "category": "category", "amount": "amount",
    "quantity": "quantity", "colour": "color", "sku": "sku", "country": "country",
    "currency": "currency", "ordered": "order_date", "version": "version", "hex": "hex_color",
    "active": "is_active", "description": "description", "file": "file_name",
    "level": "log_level", "page": "page_url", "number": "order_number",
}  # fmt: skip
"""Kinds of harmless columns, and what English speakers call them."""

_KEYS = [*PERSONAL, *HARMLESS]
# The names in the order of PERSONAL, then of HARMLESS.
_LOCAL = {
    "de_DE": (
        "vorname nachname vollständiger_name ansprechpartner e-mail_adresse telefon handynummer"
        " rufnummer straße anschrift plz benutzername iban kreditkartennummer"
        " sozialversicherungsnummer reisepassnummer steuernummer kennzeichen ip_adresse"
        " mac_adresse profil_link verweis empfänger bemerkungen daten zustand produktname"
        " kategorie betrag menge farbe artikelnummer land währung bestelldatum version farbcode"
        " aktiv beschreibung dateiname stufe seite bestellnummer"
    ),
    "es_ES": (
        "nombre apellidos nombre_completo contacto correo_electrónico teléfono num_telefono"
        " móvil calle dirección código_postal usuario iban tarjeta_crédito dni pasaporte nif"
        " matrícula dirección_ip dirección_mac perfil enlace destinatarios observaciones datos"
        " estado producto categoría importe cantidad color referencia país moneda fecha_pedido"
        " versión color_hex activo descripción archivo nivel página num_pedido"
    ),
    "pl_PL": (
        "imię nazwisko imię_i_nazwisko kontakt adres_email telefon nr_telefonu komórka ulica"
        " adres kod_pocztowy login iban karta_kredytowa pesel nr_paszportu nip nr_rejestracyjny"
        " adres_ip adres_mac profil odnośnik odbiorcy uwagi dane status produkt kategoria kwota"
        " ilość kolor symbol kraj waluta data_zamówienia wersja kod_koloru aktywny opis plik"
        " poziom strona nr_zamówienia"
    ),
    "ru_RU": (
        "имя фамилия фио контакт эл_почта телефон мобильный номер_телефона улица адрес индекс"
        " логин iban номер_карты снилс паспорт инн госномер ip_адрес mac_адрес профиль ссылка"
        " получатели примечания данные статус товар категория сумма количество цвет артикул"
        " страна валюта дата_заказа версия код_цвета активен описание файл уровень страница"
        " номер_заказа"
    ),
    "ja_JP": (
        "名 姓 氏名 担当者 メールアドレス 電話番号 携帯電話 電話 番地 住所 郵便番号 ユーザー名"
        " iban クレジットカード番号 マイナンバー 旅券番号 納税者番号 ナンバープレート"
        " ipアドレス macアドレス プロフィール リンク 宛先 備考 データ 状態 商品名 カテゴリ 金額"
        " 数量 色 品番 国 通貨 注文日 バージョン カラーコード 有効 説明 ファイル名 レベル"
        " ページ 注文番号"
    ),
    "ar_AA": (
        "الاسم_الأول اسم_العائلة الاسم_الكامل جهة_الاتصال البريد_الإلكتروني الهاتف الجوال"
        " رقم_الهاتف الشارع العنوان الرمز_البريدي اسم_المستخدم iban رقم_البطاقة الرقم_الوطني"
        " رقم_الجواز الرقم_الضريبي رقم_اللوحة عنوان_ip عنوان_mac الملف_الشخصي رابط المستلمون"
        " ملاحظات بيانات الحالة المنتج الفئة المبلغ الكمية اللون رمز_المنتج الدولة العملة"
        " تاريخ_الطلب الإصدار رمز_اللون نشط الوصف اسم_الملف المستوى الصفحة رقم_الطلب"
    ),
    "tr_TR": (
        "ad soyad ad_soyad yetkili e_posta telefon cep_telefonu gsm sokak adres posta_kodu"
        " kullanıcı_adı iban kredi_kartı_no tc_kimlik_no pasaport_no vergi_no plaka ip_adresi"
        " mac_adresi profil bağlantı alıcılar notlar veri durum ürün_adı kategori tutar miktar"
        " renk stok_kodu ülke para_birimi sipariş_tarihi sürüm renk_kodu aktif açıklama"
        " dosya_adı seviye sayfa sipariş_no"
    ),
    "pt_BR": (
        "primeiro_nome sobrenome nome_completo contato e-mail telefone celular num_telefone rua"
        " endereço cep usuario iban cartao_credito cpf passaporte cnpj placa endereço_ip"
        " endereço_mac perfil link destinatários observações dados situação produto categoria"
        " valor quantidade cor referência país moeda data_pedido versão cor_hex ativo descrição"
        " arquivo nível página num_pedido"
    ),
    "fr_FR": (
        "prénom nom_de_famille nom_complet contact courriel téléphone portable numéro_téléphone"
        " rue adresse code_postal identifiant iban carte_bancaire numéro_sécurité_sociale"
        " passeport numéro_fiscal immatriculation adresse_ip adresse_mac profil lien"
        " destinataires remarques données statut produit catégorie montant quantité couleur"
        " référence pays devise date_commande version code_couleur actif description fichier"
        " niveau page numéro_commande"
    ),
    "it_IT": (
        "nome cognome nome_completo referente posta_elettronica telefono cellulare"
        " numero_telefono via indirizzo cap nome_utente iban carta_di_credito codice_fiscale"
        " passaporto partita_iva targa indirizzo_ip indirizzo_mac profilo collegamento"
        " destinatari note dati stato prodotto categoria importo quantità colore"
        " codice_articolo paese valuta data_ordine versione codice_colore attivo descrizione"
        " nome_file livello pagina numero_ordine"
    ),
    "nl_NL": (
        "voornaam achternaam volledige_naam contactpersoon e-mailadres telefoon mobiel"
        " telefoonnummer straat adres postcode gebruikersnaam iban creditcardnummer"
        " burgerservicenummer paspoortnummer btw_nummer kenteken ip_adres mac_adres profiel"
        " koppeling ontvangers opmerkingen gegevens toestand productnaam categorie bedrag"
        " aantal kleur artikelnummer land valuta besteldatum versie kleurcode actief"
        " omschrijving bestandsnaam niveau pagina bestelnummer"
    ),
    "cs_CZ": (
        "jméno příjmení celé_jméno kontakt email telefon mobil telefonní_číslo ulice adresa psč"
        " uživatelské_jméno iban číslo_karty rodné_číslo číslo_pasu dič spz ip_adresa"
        " mac_adresa profil odkaz příjemci poznámky data stav produkt kategorie částka množství"
        " barva kód_zboží země měna datum_objednávky verze kód_barvy aktivní popis soubor"
        " úroveň stránka číslo_objednávky"
    ),
    "el_GR": (
        "όνομα επώνυμο ονοματεπώνυμο υπεύθυνος ηλεκτρονικό_ταχυδρομείο τηλέφωνο κινητό"
        " αριθμός_τηλεφώνου οδός διεύθυνση ταχυδρομικός_κώδικας όνομα_χρήστη iban"
        " αριθμός_κάρτας αμκα διαβατήριο αφμ πινακίδα διεύθυνση_ip διεύθυνση_mac προφίλ"
        " σύνδεσμος παραλήπτες σημειώσεις δεδομένα κατάσταση προϊόν κατηγορία ποσό ποσότητα"
        " χρώμα κωδικός χώρα νόμισμα ημ_παραγγελίας έκδοση κωδικός_χρώματος ενεργό περιγραφή"
        " αρχείο επίπεδο σελίδα αρ_παραγγελίας"
    ),
    "zh_CN": (
        "名字 姓氏 姓名 联系人 电子邮箱 电话 手机 手机号码 街道 地址 邮政编码 用户名 iban"
        " 信用卡号 身份证号 护照号 税号 车牌号 ip地址 mac地址 个人主页 链接 收件人 备注 数据"
        " 状态 产品名称 类别 金额 数量 颜色 货号 国家 货币 订单日期 版本 颜色代码 是否有效 描述"
        " 文件名 级别 页面 订单号"
    ),
    "hi_IN": (
        "पहला_नाम उपनाम पूरा_नाम संपर्क ईमेल फ़ोन मोबाइल फ़ोन_नंबर सड़क पता पिन_कोड उपयोगकर्ता_नाम iban"
        " कार्ड_नंबर आधार पासपोर्ट_नंबर पैन वाहन_नंबर आईपी_पता मैक_पता प्रोफ़ाइल लिंक प्राप्तकर्ता टिप्पणी"
        " डेटा स्थिति उत्पाद श्रेणी राशि मात्रा रंग उत्पाद_कोड देश मुद्रा ऑर्डर_तिथि संस्करण रंग_कोड सक्रिय"
        " विवरण फ़ाइल स्तर पृष्ठ ऑर्डर_नंबर"
    ),
    "en_US": " ".join([*PERSONAL.values(), *HARMLESS.values()]),
}
NAMES = {locale: dict(zip(_KEYS, text.split())) for locale, text in _LOCAL.items()}
TUNED = ("en_US", "de_DE", "es_ES", "pl_PL", "ru_RU", "ja_JP", "ar_AA", "pt_BR")
HELD_OUT = ("fr_FR", "it_IT", "nl_NL", "tr_TR", "cs_CZ", "el_GR", "zh_CN", "hi_IN")
"""Locales that nobody looked at while the rules were made."""


@dataclass(frozen=True)
class Labelled:
    """One column: what it holds, and whether that is personal."""

    locale: str
    kind: str
    personal: bool
    values: pa.Array
    names: dict[str, str]


def labelled(locale: str, rows: int = ROWS) -> Iterator[Labelled]:
    """Yield the columns of a locale; those that Faker cannot make there are left out.

    ``names`` holds what the column is called in English, in the locale, and opaquely.
    """
    maker = _Maker(locale)
    for number, kind in enumerate(_KEYS):
        values = maker.column(kind, rows)
        if values is None:
            continue
        english = {**PERSONAL, **HARMLESS}[kind]
        names = {"english": english, "local": NAMES[locale][kind], "opaque": f"c{number:02d}"}
        yield Labelled(locale, kind, kind in PERSONAL, values, names)


class _Maker:
    def __init__(self, locale: str) -> None:
        self.faker = Faker(locale)
        self.faker.seed_instance(17)
        self.rng = np.random.default_rng(17)

    def column(self, kind: str, rows: int) -> Optional[pa.Array]:
        try:
            make: Callable[[], Any] = getattr(self, f"_{kind}", None) or self._from_faker(kind)
            return pa.array([make() for _ in range(rows)])
        except AttributeError:  # this locale lacks it
            return None

    def _from_faker(self, kind: str) -> Callable[[], Any]:
        called = {
            "full_name": "name", "phone": "phone_number", "street": "street_address",
            "address": "address", "card": "credit_card_number", "national_id": "ssn",
            "passport": "passport_number", "tax_id": "vat_id", "plate": "license_plate",
            "ip": "ipv4", "mac": "mac_address", "colour": "color_name", "country": "country",
            "currency": "currency_code", "hex": "hex_color", "file": "file_name",
            "description": "sentence", "active": "boolean", "ordered": "date_object",
        }.get(kind, kind)  # fmt: skip
        return getattr(self.faker, called)  # type: ignore[no-any-return]

    def _pick(self, *values: str) -> str:
        return str(self.rng.choice(values))

    def _short_name(self) -> str:
        return f"{self.faker.last_name()} {self.faker.first_name()[0]}."

    def _phone_digits(self) -> str:
        return "".join(c for c in self.faker.phone_number() if c.isdecimal())[:15]

    def _phone_number(self) -> int:
        return int(self._phone_digits())

    def _profile_url(self) -> str:
        return f"https://{self._pick('www.forum.org', 'social.net')}/users/{self.faker.user_name()}"

    def _url_with_id(self) -> str:
        number = self.rng.integers(10_000, 10_000_000)
        return f"https://shop.org/{self._pick('account?customer_id=', 'customers/')}{number}"

    def _email_list(self) -> str:
        count = int(self.rng.integers(1, 4))
        return "; ".join(self.faker.email() for _ in range(count))

    def _free_text(self) -> str:
        text = " ".join(self.faker.sentences(2))
        said = self._pick("name", "phone", "none", "none")
        if said == "name":
            return f"{text} {self.faker.name()}, {self.faker.sentence()}"
        return f"{text} {self.faker.phone_number()}" if said == "phone" else text

    def _json(self) -> str:
        person = {"name": self.faker.name(), "mail": self.faker.email()}
        count = int(self.rng.integers(1, 9))
        return json.dumps({"id": count, "by": person, "ok": True}, ensure_ascii=False)

    def _status(self) -> str:
        return self._pick("new", "open", "paid", "shipped", "cancelled", "returned")

    def _product(self) -> str:
        return f"{self.faker.word()} {self.faker.word()} {self.rng.integers(1, 900)}".capitalize()

    def _category(self) -> str:
        words = ("Garden", "Toys", "Books", "Music", "Kitchen", "Sports", "Office", "Beauty")
        return self._pick(*words)

    def _amount(self) -> float:
        return round(float(self.rng.gamma(2, 40)), 2)

    def _quantity(self) -> int:
        return int(self.rng.integers(1, 500))

    def _sku(self) -> str:
        return self.faker.bothify("??-#####", letters="ABCDEFGHJK")

    def _version(self) -> str:
        return ".".join(str(self.rng.integers(0, 30)) for _ in range(3))

    def _level(self) -> str:
        return self._pick("DEBUG", "INFO", "WARNING", "ERROR")

    def _page(self) -> str:
        folder = self._pick("catalog", "help", "blog", "news/2024")
        return f"https://www.shop.org/{folder}/{self.faker.slug()}"

    def _number(self) -> int:
        return int(self.rng.integers(100_000_000, 999_999_999))
