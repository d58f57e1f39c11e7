"""The words that sheets use for our columns, for languages, and for yes and no: the only place where they stand.

All are written as `squash` leaves them: small letters without accents, blanks and signs.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from dialogs.locale import fold_word


def squash(text: str) -> str:
    """A heading or a word as it is compared: `Numéro de téléphone` -> `numerodetelephone`."""
    return "".join(letter for letter in fold_word(text) if letter.isalnum())


def _turned(words: Mapping[str, str]) -> dict[str, str]:
    return {synonym: word for word, synonyms in words.items() for synonym in (squash(word), *synonyms.split())}


# Columns with a meaning of their own; every other column is a saved field.
HEADINGS = _turned(
    {
        "phone": "phone phonenumber phoneno phonenr mobile mobilenumber mobilephone cell cellphone cellnumber msisdn "
        "tel telno telephone telephonenumber telefon telefono telefone celular movil simu nambayasimu nambazasimu "
        "numero numerodetelephone numerotelephone numeroderephone numerodetelefono numerodetelefone portable "
        "gsm whatsapp whatsappnumber contactnumber ntel notel ntelephone",
        "language": "language lang languagecode langue lugha idioma lingua ururimi",
        "group": "group groupcode cooperative coop groupe cooperativa kikundi chama kundi grupo itsinda",
        "consent": "consent consentsource sourceofconsent consentement ridhaa idhini consentimiento consentimento",
        "country": "country countrycode pays nchi pais",
        "timezone": "timezone zone fuseau fuseauhoraire zonahoraria",
        "reminders": "reminders reminder rappels rappel vikumbusho recordatorios lembretes",
        "news": "news newsletter nouvelles habari noticias",
        "private_phone": "privatephone ownphone phoneprivate",
    }
)

# A column of names is nearly always one too many: this service works without them.
NAMES = _turned(
    {
        "name": "names fullname firstname lastname surname familyname nom noms prenom prenoms nometprenom jina majina "
        "jinakamili nombre nombres apellido apellidos nome sobrenome izina amazina",
    }
)

LANGUAGES = _turned(
    {
        "en": "english anglais kiingereza ingles",
        "sw": "swahili kiswahili souahili swa",
        "fr": "french francais kifaransa frances",
        "es": "spanish espanol espagnol kihispania castellano",
        "pt": "portuguese portugues portugais kireno",
        "rw": "kinyarwanda ikinyarwanda rwanda",
        "rn": "kirundi ikirundi",
        "ha": "hausa haoussa",
        "ln": "lingala",
        "lg": "luganda ganda oluganda",
        "tw": "twi akan",
        "bm": "bambara bamanankan",
        "mos": "moore mossi",
        "am": "amharic amharique",
        "om": "oromo afaanoromoo",
        "sn": "shona chishona",
        "nd": "ndebele isindebele",
        "id": "indonesian bahasaindonesia bahasa",
        "ar": "arabic arabe kiarabu",
        "ny": "nyanja chichewa chinyanja",
        "mg": "malagasy malgache",
    }
)

YES_NO = _turned(
    {
        "yes": "y true 1 x ok oui o ndiyo ndio si sim s yego",
        "no": "n false 0 non hapana la nao oya",
    }
)


def headings_in(cells: Iterable[object]) -> int:
    """How many of these cells are headings that we know."""
    return sum(isinstance(cell, str) and squash(cell) in HEADINGS for cell in cells)
