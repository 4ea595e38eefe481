"""Countries, their peoples and their capitals: a question of Delhi is met by a sentence on India, or on the Indians."""

import functools
from collections.abc import Iterable

from index.lexical import analyze

__all__ = ["canonical", "words_of"]

# A line a country: all its words stand for the first. Capitals are used for governments in this field; Helsinki, Oslo,
# Geneva, Rome, Vienna and the like are left out, since there they are mostly the place of a meeting.
GROUPS = """
Afghanistan Afghan Afghans Kabul
Algeria Algerian Algerians Algiers
America American Americans Washington
Armenia Armenian Armenians Yerevan
Azerbaijan Azerbaijani Azerbaijanis Baku
Basque Basques Euskadi
Britain British Britons London Whitehall
Cambodia Cambodian Cambodians
China Chinese Beijing Peking
Colombia Colombian Colombians
Cuba Cuban Cubans Havana
Cyprus Cypriot Cypriots
Egypt Egyptian Egyptians Cairo
Eritrea Eritrean Eritreans Asmara
Ethiopia Ethiopian Ethiopians
Finland Finnish Finns
Georgia Georgian Georgians Tbilisi
Greece Greek Greeks Athens
Guatemala Guatemalan Guatemalans
India Indian Indians Delhi Indo
Indonesia Indonesian Indonesians Jakarta
Iran Iranian Iranians Tehran
Iraq Iraqi Iraqis Baghdad
Ireland Irish Dublin
Israel Israeli Israelis
Japan Japanese Tokyo
Jordan Jordanian Jordanians Amman
Kenya Kenyan Kenyans Nairobi
Korea Korean Koreans
Libya Libyan Libyans Tripoli
Moldova Moldovan Moldovans Chisinau
Morocco Moroccan Moroccans Rabat
Mozambique Mozambican Mozambicans Maputo
Myanmar Burma Burmese Rangoon Naypyidaw
Nepal Nepali Nepalis Nepalese Kathmandu
Nicaragua Nicaraguan Nicaraguans Managua
Nigeria Nigerian Nigerians
Norway Norwegian Norwegians
Pakistan Pakistani Pakistanis Islamabad
Palestine Palestinian Palestinians
Philippines Philippine Filipino Filipinos Manila
Russia Russian Russians Moscow Soviet Soviets Kremlin
Slovakia Slovak Slovaks Czech Czechs Czechoslovak Czechoslovakia Prague
Sudan Sudanese Khartoum Juba
Sweden Swedish Swedes
Syria Syrian Syrians Damascus
Tamil Tamils Tigers LTTE
Tajikistan Tajik Tajiks Dushanbe
Thailand Thai Thais Bangkok
Transnistria Transnistrian Transnistrians
Turkey Turkish Turks Ankara
Ukraine Ukrainian Ukrainians Kyiv Kiev
Vietnam Vietnamese Hanoi
Yemen Yemeni Yemenis Sanaa
"""
# Names that are met wherever the words beside them stand.
PHRASES = {"Pyongyang": "North Korea", "Seoul": "South Korea", "Pretoria": "South Africa", "Mideast": "Middle East"}
PHRASES |= {"Colombo": "Sri Lanka"}


@functools.cache
def stems() -> dict[str, str]:
    """Each stem of a group, and the one that stands for all of it."""
    found: dict[str, str] = {}
    for line in GROUPS.split("\n"):
        words = analyze(line)
        found |= {stem: words[0] for stem in words if stem not in found}
    return found


@functools.cache
def phrases() -> dict[str, frozenset[str]]:
    """The stem of each name in `PHRASES`, and the stems that together say the same."""
    one = stems()
    return {analyze(name)[0]: frozenset(one.get(s, s) for s in analyze(words)) for name, words in PHRASES.items()}


def canonical(of: Iterable[str]) -> list[str]:
    """The stems in their order, each country's words as one, and after them the capitals that two words stand for."""
    found = [stems().get(stem, stem) for stem in of]
    there = set(found)
    return found + [name for name, words in phrases().items() if name not in there and words <= there]


def words_of(text: str) -> list[str]:
    """The stems of a text, canonical."""
    return canonical(analyze(text))
