"""What the name of a column says about its content, in many languages."""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import lru_cache

from synthohive.privacy.kinds import PiiKind
from synthohive.privacy.names import fold

__all__ = ["Hint", "hint_of", "phrase_of"]

# Words of the folded name (lower case, without accents), joined by "_". `~` stands for any
# further letters of the word. Scripts without blanks are looked for inside of words.
# Order matters: where several kinds fit, the first is tried first.
_PHRASES: tuple[tuple[PiiKind, str], ...] = (
    (
        PiiKind.EMAIL,
        "e_?mail~ email~ mail mail_addr~ correo~ courriel~ mel posta_elettronica elektron~_posta"
        " e_?post~ e_?posta~ epasts sahkoposti~ drepost эл_почта электрон~_почт~ почта e_?поч?та"
        " ел_пошта електрон~_пошт~ пошта имейл ηλεκτρονικο_ταχυδρομειο εμαιλ βαρεα_μαιλ"
        " メールアドレス メール 邮箱 邮件 電郵 이메일 메일 ईमेल ई_?मेल بريد_الكتروني بريد_إلكتروني"
        " بريد ايميل recipients cc bcc destinatarios empfanger destinataires destinatari"
        " ontvangers odbiorcy prijemci 宛先 收件人 получатели อีเมล",
    ),
    (PiiKind.IP, "ip ip_?v[46] ip_?a~ ~_ip remote_addr client_addr ipアドレス ip地址 ip주소 आईपी~"),
    (PiiKind.MAC, "mac mac_?a~ macアドレス mac地址 मैक~"),
    (PiiKind.IBAN, "iban bank_account account_iban bankkonto~ kontonummer numero_cuenta"),
    (
        PiiKind.CREDIT_CARD,
        "credit_?card~ debit_?card~ payment_card~ card card_(number|num|no|nr)"
        " cc_?(number|num|no) pan kreditkart~ tarjeta~ carte_bancaire carte_(de_)?credit"
        " carta_(di_)?credito kreditkort~ cartao~ karta_kredyt~ karta_platnicza cislo_karty"
        " kredi_kart~ номер_карт~ карта αριθμος_καρτας クレジットカード~ 信用卡 カード番号"
        " 카드번호 कार्ड_नंबर رقم_بطاقه رقم_بطاقة bankkort~ bankkartya~",
    ),
    (
        PiiKind.SSN,
        "ssn social_security(_(number|num|no))? social_sec sozialversicherungs~"
        " numero_securite_sociale securite_sociale numero_seguridad_social снилс αμκα",
    ),
    (
        PiiKind.NATIONAL_ID,
        "passport~ national_?id(_(number|no))? nino cpf cnpj nin dni nie nif cif curp rfc rut"
        " cuit aadhaa?r tax_?(id|number|no) vat_?(id|number|no|nr) vat ein itin"
        " driv(er|ers|ing)_?licen[cs]e(_?(number|no|num))? id_card identity_(number|card)"
        " steuer_?(id~|n~) ust_?id~ ausweis~ personalausweis~ reisepass~ fuhrerschein~ pesel nip"
        " regon personnummer fodselsnummer cpr henkilotunnus bsn burgerservice~ btw_~ paspoort~"
        " pasaporte~ passeport~ passaport~ paszport~ nr_paszportu pasaport_no pasaport~"
        " cislo_pasu pas numero_fiscal siret siren codice_fiscale cod_fiscale partita_iva p_iva"
        " rodne_cislo dic ico tc_?kimlik~ kimlik~ vergi_n~ cnp adoszam~ adoazonosito~ taj_szam"
        " szemelyi_szam паспорт~ инн іпн αφμ διαβατηριο~ ταυτοτητα マイナンバー 旅券番号"
        " 納税者番号 パスポート 身份证 护照 税号 주민등록번호 여권번호 사업자등록번호 आधार"
        " पासपोर्ट~ पैन رقم_وطني رقم_جواز جواز رقم_ضريبي هويه هوية personnr personnummer~ cccd"
        " cmnd บัตรประชาชน nik תעודת_זהות",
    ),
    (
        PiiKind.PLATE,
        "licen[cs]e_?plate~ plate plate_(number|no|num) number_plate~"
        " registration_(plate|number|no) vehicle_reg~ reg_(plate|number|no) kennzeichen~ kfz_~"
        " matricula placa placas immatriculation~ targa kenteken~ nr_rejestr~ tablica_rej~ spz"
        " ecv rz plaka~ rendszam~ numar_inmatriculare госномер~ гос_номер номерн~_знак πινακιδα~"
        " ナンバープレート 車両番号 车牌 차량번호 वाहन_नंबर رقم_لوحه رقم_لوحة registreringsnummer"
        " kjennemerke vin vin_(number|no) fahrgestell~ bien_so ทะเบียนรถ",
    ),
    (
        PiiKind.USER_NAME,
        "user_?name~ display_name nice_?name login login_name"
        " user_login screen_?name nick_?name nick handle"
        " account_name benutzername~ benutzer_?name anmeldename nombre_usuario usuario"
        " utilisateur identifiant nom_utilisateur pseudo nome_utente utente gebruikersnaam"
        " anvandarnamn brukernavn nazwa_uzytkownika uzivatelske_jmeno kullanici_adi"
        " felhasznalonev nume_utilizator логин имя_пользователя користувач ονομα_χρηστη"
        " ユーザー名 用户名 사용자명 아이디 उपयोगकर्ता_नाम اسم_مستخدم",
    ),
    (
        PiiKind.FIRST_NAME,
        "first_?names? given_?names? fore_?names? f_?name middle_?names? vorname~ prenom~"
        " primer_nombre primeiro_nome nombre_(de_)?pila voornaam~ fornamn fornavn imie"
        " krestni_jmeno keresztnev utonev prenume etunimi отчество ^имя ^ім_?я име"
        " αρ?_?μικρο_ονομα 下の名前 ^名 ^名字 ^이름 اسم_اول पहला_नाम ^ชื่อ ^ten שם_פרטי 名前_名 メイ",
    ),
    (
        PiiKind.LAST_NAME,
        "last_?names? sur_?names? family_?names? l_?name maiden_?names? nachname~ familienname~"
        " geburtsname apellidos? nom_(de_)?famille nom_famille cognome~ sobrenome apelido"
        " achternaam~ familienaam efternamn etternavn slektsnavn nazwisk~ prijmeni priezvisko"
        " vezeteknev csaladnev nume_(de_)?familie soyad~ soyisim sukunimi фамили~ прізвище"
        " презиме фамилно_име επωνυμο 苗字 ^姓 姓氏 ^성 اسم_عائله اسم_عائلة لقب उपनाम कुलनाम"
        " שם_משפחה นามสกุล ^ho ^氏 セイ",
    ),
    (
        PiiKind.PHONE,
        "~phone~ ~telefon~ tel tel_~ telf telefo~ telephone~ teleph~ mobile"
        " mobile_?(number|num|no|nr) mobil mobil(e|ni|ny|nummer|telefon) mobiel~ movil celular"
        " cellulare portable cell cell_?phone fax fax_?(number|num|no) msisdn handy~ rufnummer~"
        " gsm cep cep_tel~ komork~ kom tlf телефон~ тел мобильн~ мобільн~ τηλεφωνο~ τηλ κινητο~"
        " 電話 携帯 电话 手机 전화 휴대폰 फोन~ फ़ोन~ मोबाइल~ هاتف جوال رقم_هاتف رقم_جوال موبايل"
        " טלפון puhelin~ numar_telefon โทรศัพท์ มือถือ dien_thoai so_dien_thoai sdt 연락처 no_hp"
        " telepon~ הטלפון",
    ),
    (
        PiiKind.POSTCODE,
        "zip zip_?code post_?code~ postal_?code~ plz postleitzahl postal code_postal"
        " codigo_postal cp cep cap psc psc kod_pocztowy posta_kodu postnummer postnr"
        " iranyitoszam cod_postal почтов~_индекс индекс поштов~_індекс індекс"
        " ταχυδρομικος_κωδικας ταχυδρομικος_κωδικος τκ 郵便番号 邮政编码 邮编 우편번호 पिन_कोड"
        " رمز_بريدي pin_?code",
    ),
    (
        PiiKind.ADDRESS,
        "address~ ~_address addr~ street~ strasse~ ~strasse anschrift~ ~adresse adress~ adres"
        " adresa adresi direccion~ domicilio calle rue via indirizzo~ endereco~ rua logradouro"
        " morada straat~ gata gatuadress utca lakcim cim ulica ulice sokak cadde strada адрес~"
        " улица адреса вулиця διευθυνση~ οδος 住所 番地 所在地 地址 街道 주소 도로명 पता सड़क"
        " عنوان شارع כתובת osoite ที่อยู่ dia_chi alamat~",
    ),
    (
        PiiKind.URL,
        "url website web_?site home_?page profile profile_(url|link) ~_url linkedin profil"
        " profil_~ perfil profilo profiel link enlace lien verweis odnosnik odkaz collegamento"
        " koppeling baglanti профиль ссылка προφιλ συνδεσμος プロフィール リンク 个人主页 链接"
        " 프로필 링크 प्रोफ~ लिंक ملف_شخصي رابط",
    ),
    (
        PiiKind.NAME,
        "full_?name display_?name contact contact_(name|person) vollstandiger_name"
        " ansprechpartner~ nombre_completo nombre_y_apellidos contacto nom_complet nom_et_prenom"
        " nome_completo referente contato imie_i_nazwisko kontakt cele_jmeno ad_?soyad yetkili"
        " volledige_naam contactpersoon~ teljes_nev nume_complet фио ф_и_о полное_имя контакт"
        " піб ονοματεπωνυμο υπευθυνος 氏名 担当者 姓名 联系人 성명 담당자 पूरा_नाम संपर्क اسم_كامل"
        " جهه_اتصال جهة_اتصال kontaktperson ho_ten ho_va_ten ชื่อ_นามสกุล フリガナ カナ お客様名"
        " 顧客名 고객명 客户名称 שם_מלא nama_lengkap",
    ),
)
_PERSONS = (
    "customer client employee patient person owner author passenger manager guest member holder"
    " cardholder recipient user student teacher doctor driver kund~ mitarbeiter patientin"
    " inhaber autor cliente empleado paciente dueno proprietario propietario auteur employe"
    " klient pracownik pacjent zakaznik zamestnanec klant medewerker kund musteri calisan hasta"
    " ugyfel angajat клиент~ сотрудник~ пациент~ владелец автор клієнт~ πελατ~ υπαλληλος ασθενης"
    " 顧客 社員 患者 客户 员工 고객 직원 환자 ग्राहक कर्मचारी عميل موظف مريض dipendente paziente"
    " funcionario"
)
_NAME_WORDS = (
    "name namen nombre nom nome nume naam namn navn imie jmeno nev ad adi isim имя название"
    " назва ονομα 名前 名称 名 नाम اسم שם nimi ime"
)
# Words that turn the column into something about personal data: a flag, a count, a date.
_ABOUT = frozenset(
    "id type flag count cnt at date time status verified valid format length kind hash country"
    " state city region is has allow optin typ tipo stato statut land pais pays stadt ciudad"
    " ville citta miasto mesto город страна статус тип".split()
)
# The same inside of words, for kinds of which values prove little.
_ENDS_ABOUT = re.compile(
    "(typ|type|art|status|anzahl|count|datum|date|flag|tur|turu|类型|类别|種別|種類|状态|状態|区分|유형|상태)$"
)
_WEAK = frozenset({PiiKind.ADDRESS, PiiKind.FIRST_NAME, PiiKind.LAST_NAME})
# Where a column is called this, words that are also names prove nothing.
_HARMLESS = frozenset(
    "city town place country region state province county continent product item article"
    " category colour color brand model company organisation organization department team role"
    " job position title language currency genre species station airport carrier airline"
    " manufacturer file path version level page tag label unit month weekday day status type"
    " kind class group event material stadt ort land produkt kategorie farbe marke firma"
    " unternehmen abteilung beruf sprache datei ciudad pais producto categoria marca empresa"
    " departamento idioma archivo ville pays produit categorie couleur marque entreprise societe"
    " langue fichier metier citta paese prodotto colore azienda lingua miasto kraj kategoria"
    " kolor marka firma jezyk plik stanowisko cidade produto cor cargo arquivo stad kleur merk"
    " bedrijf taal bestand mesto zeme barva znacka spolecnost jazyk soubor sehir ulke urun renk"
    " sirket dil dosya город страна товар категория цвет марка компания отдел язык файл πολη"
    " χωρα προιον κατηγορια χρωμα εταιρεια γλωσσα αρχειο".split()
)
_COMPANIES = frozenset(
    "company organisation organization employer firm firma firmenname unternehmen empresa"
    " entreprise societe azienda bedrijf spolecnost sirket компания εταιρεια foretag bedrift"
    " virksomhed".split()
)
_HARMLESS_INSIDE = (
    "都市 城市 市区 国 商品 产品 類 类 カテゴリ 色 会社 公司 部署 部门 職業 职业 言語 语言"
    " ファイル 文件 도시 국가 제품 색 회사 부서 직업"
).split()  # fmt: skip
_SOLID = re.compile("[\u0e00-\u0e7f\u3040-\u30ff\u3400-\u9fff\uac00-\ud7af]")
_LETTERS = str.maketrans({"ł": "l", "ø": "o", "đ": "d", "ı": "i", "æ": "ae", "œ": "oe", "ة": "ه"})
_ARTICLE = re.compile("(?:^|(?<=_))ال(?=...)")


@dataclass(frozen=True)
class Hint:
    """What a column's name suggests.

    Attributes
    ----------
    kinds : tuple of PiiKind
        Kinds of personal data, the likeliest first.
    is_name : bool
        It is called a name, of whatever.
    of_person : bool
        It is called a person: a customer, a patient.
    is_harmless : bool
        It is called something of which words that are also names prove nothing.
    is_company : bool
        It is called a company.
    """

    kinds: tuple[PiiKind, ...] = ()
    is_name: bool = False
    of_person: bool = False
    is_harmless: bool = False
    is_company: bool = False


def phrase_of(name: str) -> str:
    """Return the words of a column's name, folded, joined by ``_``; letters of every script.

    Examples
    --------
    >>> phrase_of("firstName"), phrase_of("Téléphone 2"), phrase_of("STRAßE"), phrase_of("имя")
    ('first_name', 'telephone_2', 'strasse', 'имя')
    """
    split = re.sub(r"(?<=[a-z0-9])(?=[A-Z])|(?<=[A-Z])(?=[A-Z][a-z])", "_", name)
    folded = fold(split).translate(_LETTERS)
    # vowel signs of Hindi and the like are no letters to `re`, but belong to words
    joined = "".join(c if c.isalnum() or _is_sign(c) else "_" for c in folded)
    return _ARTICLE.sub("", re.sub("_+", "_", joined).strip("_"))


def _is_sign(char: str) -> bool:
    return "\u0900" <= char <= "\u0dff" or "\u0e30" <= char <= "\u0e4e"


@lru_cache(maxsize=1)
def _compiled() -> tuple[tuple[PiiKind, re.Pattern[str]], ...]:
    return tuple((kind, _pattern(text)) for kind, text in _PHRASES)


@lru_cache(maxsize=1)
def _loose() -> tuple[re.Pattern[str], re.Pattern[str]]:
    return _pattern(_PERSONS), _pattern(_NAME_WORDS)


def _pattern(text: str) -> re.Pattern[str]:
    parts = []
    for phrase in text.split():
        plain = phrase_of(phrase) if _SOLID.search(phrase) else _folded(phrase)
        if phrase.startswith("^"):
            parts.append(rf"^{plain.lstrip('^')}$")
        elif _SOLID.search(phrase):
            parts.append(plain)
        else:
            parts.append(rf"(?:^|(?<=_)){plain.replace('~', '[^_]*')}(?=_|\d|$)")
    return re.compile("|".join(parts))


def _folded(phrase: str) -> str:
    return _ARTICLE.sub("", fold(phrase).translate(_LETTERS))


@lru_cache(maxsize=4096)
def hint_of(name: str) -> Hint:
    """Return what a column's name suggests.

    Examples
    --------
    >>> [hint_of(n).kinds[0].value for n in ("num_telefono", "prénom", "Straße", "電話番号")]
    ['phone', 'first_name', 'address', 'phone']
    >>> hint_of("phone_type").kinds, hint_of("product_name").is_harmless
    ((), True)
    """
    words = phrase_of(name)
    kinds = []
    for kind, pattern in _compiled():
        found = pattern.search(words)
        if found is None:
            continue
        rest = set(words[: found.start()].split("_") + words[found.end() :].split("_"))
        if not rest & _ABOUT and not (kind in _WEAK and _ENDS_ABOUT.search(words)):
            kinds.append(kind)
    if PiiKind.SSN in kinds and PiiKind.NATIONAL_ID not in kinds:
        kinds.append(PiiKind.NATIONAL_ID)  # which other countries' numbers look like
    persons, names = _loose()
    tokens = set(words.split("_"))
    return Hint(
        tuple(kinds),
        is_name=names.search(words) is not None,
        of_person=persons.search(words) is not None and not tokens & _ABOUT,
        is_harmless=bool(tokens & _HARMLESS) or any(w in words for w in _HARMLESS_INSIDE),
        is_company=(bool(tokens & _COMPANIES) and not tokens & _ABOUT)
        or words in ("会社", "公司", "회사", "会社名", "公司名称", "회사명"),
    )
