"""The 50 alphabets of Omniglot: facts that make a task's heads known before its data is."""

from __future__ import annotations

import re
from typing import NamedTuple


class Alphabet(NamedTuple):
    """Which archive an alphabet is in, ``"background"`` or ``"evaluation"``, and how many characters it has."""

    part: str
    characters: int


ALPHABETS = {
    "Alphabet_of_the_Magi": Alphabet("background", 20),
    "Angelic": Alphabet("evaluation", 20),
    "Anglo-Saxon_Futhorc": Alphabet("background", 29),
    "Arcadian": Alphabet("background", 26),
    "Armenian": Alphabet("background", 41),
    "Asomtavruli_(Georgian)": Alphabet("background", 40),
    "Atemayar_Qelisayer": Alphabet("evaluation", 26),
    "Atlantean": Alphabet("evaluation", 26),
    "Aurek-Besh": Alphabet("evaluation", 26),
    "Avesta": Alphabet("evaluation", 26),
    "Balinese": Alphabet("background", 24),
    "Bengali": Alphabet("background", 46),
    "Blackfoot_(Canadian_Aboriginal_Syllabics)": Alphabet("background", 14),
    "Braille": Alphabet("background", 26),
    "Burmese_(Myanmar)": Alphabet("background", 34),
    "Cyrillic": Alphabet("background", 33),
    "Early_Aramaic": Alphabet("background", 22),
    "Futurama": Alphabet("background", 26),
    "Ge_ez": Alphabet("evaluation", 26),
    "Glagolitic": Alphabet("evaluation", 45),
    "Grantha": Alphabet("background", 43),
    "Greek": Alphabet("background", 24),
    "Gujarati": Alphabet("background", 48),
    "Gurmukhi": Alphabet("evaluation", 45),
    "Hebrew": Alphabet("background", 22),
    "Inuktitut_(Canadian_Aboriginal_Syllabics)": Alphabet("background", 16),
    "Japanese_(hiragana)": Alphabet("background", 52),
    "Japanese_(katakana)": Alphabet("background", 47),
    "Kannada": Alphabet("evaluation", 41),
    "Keble": Alphabet("evaluation", 26),
    "Korean": Alphabet("background", 40),
    "Latin": Alphabet("background", 26),
    "Malay_(Jawi_-_Arabic)": Alphabet("background", 40),
    "Malayalam": Alphabet("evaluation", 47),
    "Manipuri": Alphabet("evaluation", 40),
    "Mkhedruli_(Georgian)": Alphabet("background", 41),
    "Mongolian": Alphabet("evaluation", 30),
    "N_Ko": Alphabet("background", 33),
    "Ojibwe_(Canadian_Aboriginal_Syllabics)": Alphabet("background", 14),
    "Old_Church_Slavonic_(Cyrillic)": Alphabet("evaluation", 45),
    "Oriya": Alphabet("evaluation", 46),
    "Sanskrit": Alphabet("background", 42),
    "Sylheti": Alphabet("evaluation", 28),
    "Syriac_(Estrangelo)": Alphabet("background", 23),
    "Syriac_(Serto)": Alphabet("evaluation", 23),
    "Tagalog": Alphabet("background", 17),
    "Tengwar": Alphabet("evaluation", 25),
    "Tibetan": Alphabet("evaluation", 42),
    "Tifinagh": Alphabet("background", 55),
    "ULOG": Alphabet("evaluation", 26),
}
"""By the name of its folder; 1,623 characters in all."""


def head_name(alphabet: str) -> str:
    """Return the name of an alphabet's head: letters, digits and underscores only, as layer names need."""
    return re.sub(r"[^A-Za-z0-9]+", "_", alphabet).strip("_")
