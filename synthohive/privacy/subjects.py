"""Whom a table or a column may stand for, by its name: persons, keys to them, or things."""

from __future__ import annotations

import re

from synthohive.privacy.column_names import phrase_of

__all__ = ["is_about_persons", "is_about_things", "is_key_name", "words_of"]

# Names of tables and columns whose rows cannot be persons, accounts or organisations. What is
# not listed may be: stores, suppliers, devices, contracts and whatever is unknown.
_THINGS = frozenset(
    """
    aircraft airport album allergen article book breed brand calendar category channel city class
    code color colour continent country county course cuisine currency date day diagnosis disease
    dish district drug event_type film flavor flavour font format fuel
    genre grade hour ingredient instrument item kind lang language level locale material measure
    media medication medicine medium method mode
    month movie museum nation page part period plane priority procedure product province quarter
    reason recipe region route season service severity shelf size sku song species sport state
    station status step subcategory symptom tag task_type tax time timezone topic track treatment
    type unit vaccination vaccine version weather week year zone
    attribute config configuration feature field meta option param parameter setting translation
    artikel produkt kategorie land stadt sprache waehrung farbe
    producto articulo categoria pais ciudad idioma moneda
    produit categorie pays ville langue devise
    prodotto paese citta lingua valuta
    """.split()
)
_PERSONS = frozenset(
    """
    account acct actor applicant artist attendee author borrower buyer candidate cardholder
    citizen client clerk contact cust customer debtor doctor donor driver emp employee enrollee
    guest holder household insured lender login member merchant nurse owner passenger patient payer
    participant payee people person player policyholder proband publisher recipient rep respondent
    salesman salesperson seller sender signer staff student subscriber supplier teacher
    technician tenant tutor user usr vendor visitor volunteer voter worker
    kunde benutzer nutzer mitarbeiter konto mitglied patient schueler lieferant verkaeufer
    cliente usuario empleado cuenta miembro paciente alumno proveedor
    utilisateur employe compte membre eleve fournisseur salarie
    utente dipendente conto paziente fornitore
    klient uzytkownik pracownik konto pacjent uczen
    gebruiker medewerker klant rekening
    usuario funcionario conta
    """.split()
)
# What rows of a table are called that are persons, or as good as; columns called so need not be.
_PERSON_TABLES = _PERSONS | frozenset(
    """
    agent colleague case crew director friend manager personnel personal physician profile pupil
    representative resident salespeople subject teacher
    kunden personen persona personne impiegato persone funcionario pessoa osoba zamestnanec zakaznik
    """.split()
)
_KEY_ENDS = frozenset("id ids uid uuid guid oid key fk sk ref".split())
# What names a person wherever it stands, and who did something.
_NAMING = frozenset(
    "email mail phone mobile msisdn imei iban ssn passport username userid cookie ip by assignee "
    "approver reporter reviewer requester creator cashier host organizer courier operator who whom "
    "kid boss".split()
)
_NUMBER_ENDS = frozenset("no nr num number nummer numero code hash token login name handle".split())


def words_of(name: str) -> list[str]:
    """Return the words of a name, in lower case and without accents.

    Examples
    --------
    >>> words_of("shipCustomerID"), words_of("numéro_client")
    (['ship', 'customer', 'id'], ['numero', 'client'])
    """
    return [word for word in re.split(r"_|(?<=\D)(?=\d)|(?<=\d)(?=\D)", phrase_of(name)) if word]


def _singular(word: str) -> str:
    for end, put in (("ies", "y"), ("sses", "ss"), ("ses", "se"), ("s", "")):
        if word.endswith(end) and len(word) > len(end) + 2 and not word.endswith("ss"):
            return word[: -len(end)] + put
    return word


def _is(word: str, words: frozenset[str]) -> bool:
    return word in words or _singular(word) in words


def is_about_things(name: str) -> bool:
    """Tell whether rows of a table, or what a key refers to, are plainly no persons.

    Examples
    --------
    >>> [is_about_things(n) for n in ("products", "status_id", "customers", "stores", "t17")]
    [True, True, False, False, False]
    """
    words = [w for w in words_of(name) if w not in _KEY_ENDS]
    return bool(words) and _is(words[-1], _THINGS) and not any(_is(w, _PERSONS) for w in words)


def is_about_persons(name: str) -> bool:
    """Tell whether the rows of a table are called persons, accounts or organisations.

    Examples
    --------
    >>> [is_about_persons(n) for n in ("tbl_customers", "treatments", "customer_orders", "cases")]
    [True, False, False, True]
    """
    words = words_of(name)
    return bool(words) and _is(words[-1], _PERSON_TABLES)


def is_key_name(name: str) -> bool:
    """Tell whether a column is called like a key to persons, or to anything unknown.

    Examples
    --------
    >>> [is_key_name(n) for n in ("user_id", "subject_id", "kundennummer", "EmployeeId", "sku_id")]
    [True, True, True, True, False]
    >>> [is_key_name(n) for n in ("case_key", "meta_key", "setting_key")]
    [True, False, False]
    >>> [is_key_name(n) for n in ("created_by", "contact_email", "assignee")]
    [True, True, True]
    >>> [is_key_name(n) for n in ("customer_type", "paid", "amount", "user_agent")]
    [False, False, False, False]
    """
    words = words_of(name)
    if not words or is_about_things(name):
        return False
    if words[-1] in _KEY_ENDS | _NAMING or _is(words[-1], _PERSONS):
        return True
    if words[-1] in _NUMBER_ENDS:
        return any(_is(word, _PERSONS) for word in words[:-1])
    for end in (*_KEY_ENDS, *_NUMBER_ENDS):
        stem = words[-1][: -len(end)]
        if words[-1].endswith(end) and (
            _is(stem, _PERSONS) or (stem.endswith("n") and stem[:-1] in _PERSONS)
        ):
            return True
    return False
