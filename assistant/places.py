"""Countries, their peoples and their capitals: a question of Delhi is met by a sentence on India, or on the Indians."""

import functools
from collections.abc import Iterable

from index.lexical import analyze

__all__ = ["canonical", "words_of"]

# A line a country or people: all its words stand for the first. Capitals are used for governments in this field; Oslo,
# Geneva, Vienna, Muscat, Tashkent and the like are left out, since there they are mostly the place of a meeting.
GROUPS = """
Aceh Acehnese
Afghanistan Afghan Afghans Kabul
Albania Albanian Albanians Tirana
Algeria Algerian Algerians Algiers
America American Americans Washington
Angola Angolan Angolans Luanda
Argentina Argentine Argentines
Armenia Armenian Armenians Yerevan
Australia Australian Australians Canberra
Azerbaijan Azerbaijani Azerbaijanis Baku
Bangladesh Bangladeshi Bangladeshis Dhaka
Basque Basques Euskadi
Belarus Belarusian Belarusians
Bolivia Bolivian Bolivians
Bosnia Bosnian Bosnians Sarajevo
Brazil Brazilian Brazilians
Britain British Britons London Whitehall
Bulgaria Bulgarian Bulgarians
Burundi Burundian Burundians Bujumbura
Cambodia Cambodian Cambodians
Canada Canadian Canadians
Chechnya Chechen Chechens Grozny
Chile Chilean Chileans
China Chinese Beijing Peking
Colombia Colombian Colombians
Congo Congolese Kinshasa
Croatia Croatian Croatians Croat Croats Zagreb
Cuba Cuban Cubans Havana
Cyprus Cypriot Cypriots
Denmark Danish Danes
Ecuador Ecuadorian Ecuadorians
Egypt Egyptian Egyptians Cairo
Eritrea Eritrean Eritreans Asmara
Ethiopia Ethiopian Ethiopians
Finland Finnish Finns
France French
Georgia Georgian Georgians Tbilisi
Germany German Germans
Greece Greek Greeks Athens
Guatemala Guatemalan Guatemalans
Haiti Haitian Haitians
Honduras Honduran Hondurans Tegucigalpa
Hungary Hungarian Hungarians
India Indian Indians Delhi Indo
Indonesia Indonesian Indonesians Jakarta
Iran Iranian Iranians Tehran
Iraq Iraqi Iraqis Baghdad
Ireland Irish Dublin
Israel Israeli Israelis
Italy Italian Italians
Japan Japanese Tokyo
Jordan Jordanian Jordanians Amman
Kashmir Kashmiri Kashmiris
Kazakhstan Kazakh Kazakhs
Kenya Kenyan Kenyans Nairobi
Korea Korean Koreans
Kosovo Kosovar Kosovars Pristina
Kuwait Kuwaiti Kuwaitis
Kyrgyzstan Kyrgyz Bishkek
Lebanon Lebanese Beirut
Liberia Liberian Liberians Monrovia
Libya Libyan Libyans Tripoli
Macedonia Macedonian Macedonians Skopje
Malaysia Malaysian Malaysians
Maldives Maldivian Maldivians
Mali Malian Malians Bamako
Mexico Mexican Mexicans
Moldova Moldovan Moldovans Chisinau
Mongolia Mongolian Mongolians Ulaanbaatar
Morocco Moroccan Moroccans Rabat
Mozambique Mozambican Mozambicans Maputo
Myanmar Burma Burmese Rangoon Naypyidaw
Namibia Namibian Namibians Windhoek
Nepal Nepali Nepalis Nepalese Kathmandu
Netherlands Dutch
Nicaragua Nicaraguan Nicaraguans Managua
Nigeria Nigerian Nigerians
Norway Norwegian Norwegians
Oman Omani Omanis
Pakistan Pakistani Pakistanis Islamabad
Palestine Palestinian Palestinians
Panama Panamanian Panamanians
Peru Peruvian Peruvians
Philippines Philippine Filipino Filipinos Manila
Portugal Portuguese
Qatar Qatari Qataris
Romania Romanian Romanians
Russia Russian Russians Moscow Soviet Soviets Kremlin
Rwanda Rwandan Rwandans Kigali
Sahara Sahrawi Sahrawis Polisario
Salvador Salvadoran Salvadorans Salvadorian
Senegal Senegalese
Serbia Serbian Serbians Serb Serbs Belgrade
Singapore Singaporean Singaporeans
Slovakia Slovak Slovaks Czech Czechs Czechoslovak Czechoslovakia Prague
Slovenia Slovenian Slovenians Slovene Slovenes
Somalia Somali Somalis Mogadishu
Spain Spanish Spaniards
Sudan Sudanese Khartoum Juba
Sweden Swedish Swedes
Syria Syrian Syrians Damascus
Taiwan Taiwanese Taipei
Tajikistan Tajik Tajiks Dushanbe
Tamil Tamils Tigers LTTE
Tanzania Tanzanian Tanzanians
Thailand Thai Thais Bangkok
Tibet Tibetan Tibetans Lhasa
Timor Timorese
Transnistria Transnistrian Transnistrians
Tunisia Tunisian Tunisians
Turkey Turkish Turks Ankara
Uganda Ugandan Ugandans
Ukraine Ukrainian Ukrainians Kyiv Kiev
Uzbekistan Uzbek Uzbeks
Venezuela Venezuelan Venezuelans Caracas
Vietnam Vietnamese Hanoi
Yemen Yemeni Yemenis Sanaa
Zambia Zambian Zambians
Zimbabwe Zimbabwean Zimbabweans Rhodesia Rhodesian Rhodesians Harare
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
