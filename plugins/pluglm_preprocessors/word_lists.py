"""Lists of words, of the user and of a library."""

from __future__ import annotations

from functools import lru_cache
from importlib.util import find_spec
from pathlib import Path


@lru_cache(maxsize=32)
def read_words(path: str) -> frozenset[str]:
    """The lines of a file without those that begin with #, in lower case.

    Raises:
        OSError: where it cannot be read.
        ValueError: where it is not UTF-8.
    """
    lines = Path(path).read_text(encoding="utf-8-sig").splitlines()
    return frozenset(line.strip().lower() for line in lines if line.strip() and not line.startswith("#"))


def listed_languages() -> dict[str, Path]:
    """Languages (ISO 639-1) that safetext has a list for, with its file; none where it is not installed."""
    found = find_spec("safetext")
    if found is None or found.origin is None:
        return {}
    files = sorted((Path(found.origin).parent / "languages").glob("*/words.txt"))
    return {file.parent.name: file for file in files if file.parent.name != "ch"}


# What lists of bad words hold beside bad words: names of groups, words of medicine and anatomy, and words of everyday.
# A document about them is not harmful by their standing in it.
NEUTRAL = frozenset(
    """
    gay gays lesbian lesbians homosexual homosexuals bisexual bisexuals transgender transsexual queer queers
    muslim muslims jew jews jewish arab arabs black blacks white whites asian asians african africans mexican mexicans
    gypsy gypsies roma negro aboriginal eskimo women woman girl girls nazi nazis nationalsozialistin mufti
    penis penises vagina vaginas vaginal vulva breast breasts nipple nipples anus anal rectum rectal testicle testicles
    testicular testes scrotum labia clitoris genital genitals pubic semen sperm fecal feces faeces urine bowel enema
    erection orgasm ejaculate ejaculation menstruation menstrual menses ovary ovaries ovum uterus womb prostate hymen
    sex sexes sexual sexuality sexually intercourse sodomy puberty pregnant abortion viagra cialis condom
    rape raped rapist incest pedophile paedophile pedophilia sadism masochism eunuch castrate suicide prostitute
    prostitution opium heroin cocaine marijuana cannabis weed herpes hiv aids syphilis
    escort flange cox dick willy snatch prick bloody knob damn hell nude nudes nudity naked topless lingerie scat butt
    bondage playboy lolita poof beaver cock cum tit ass god lust organ fat ugly stupid idiot kill murder
    xx xxx dirty dummy domination stripping shi wang penetration penetrate pornography orgy snowballing bestial coon
    fagot nackt asesinato ladrona leprosa pedo teta
    """.split()
)
