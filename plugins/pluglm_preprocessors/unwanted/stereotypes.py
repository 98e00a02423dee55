"""Sentences that say of a group of people, as a whole, what they are like or what they are for; in English."""

from __future__ import annotations

import re
from collections.abc import Iterator
from functools import cache

from pluglm_preprocessors.words.shingling import words

# Mentions of groups, by which over-representation is counted: category, group, words.
GROUPS: dict[str, dict[str, frozenset[str]]] = {
    "gender": {
        "men": frozenset(
            "he him his himself man men boy boys male males father fathers son sons brother brothers husband husbands "
            "gentleman gentlemen uncle uncles king kings mr sir".split()
        ),
        "women": frozenset(
            "she her hers herself woman women girl girls female females mother mothers daughter daughters sister "
            "sisters wife wives lady ladies aunt aunts queen queens mrs miss ms madam".split()
        ),
    },
    "religion": {
        "christians": frozenset("christian christians christianity church churches catholic catholics".split()),
        "muslims": frozenset("muslim muslims islam islamic mosque mosques".split()),
        "jews": frozenset("jew jews jewish judaism synagogue synagogues".split()),
        "hindus": frozenset("hindu hindus hinduism".split()),
        "buddhists": frozenset("buddhist buddhists buddhism".split()),
    },
    "age": {
        "old": frozenset("elderly pensioner pensioners retiree retirees grandfather grandmother grandparents".split()),
        "young": frozenset("teenager teenagers teens youngster youngsters adolescent adolescents youth".split()),
    },
}

PEOPLE = """
women girls men boys females males wives husbands mothers fathers housewives ladies blondes gays lesbians
homosexuals bisexuals transsexuals muslims jews christians catholics hindus buddhists atheists blacks whites asians
africans arabs mexicans indians pakistanis turks poles russians germans frenchmen englishmen italians irishmen
greeks spaniards americans nigerians albanians romanians gypsies latinos hispanics immigrants migrants refugees
foreigners teenagers millennials boomers pensioners seniors cripples
""".split()
OF_PEOPLE = """
black white asian african arab mexican indian chinese japanese korean jewish muslim christian hindu gay lesbian
trans transgender homosexual straight old older elderly young poor rich disabled blind deaf autistic fat blonde
foreign roma irish polish turkish russian german french english italian american
""".split()
SINGULAR = """
woman girl man boy female male wife mother lady blonde gay lesbian homosexual muslim jew christian catholic hindu
atheist mexican immigrant refugee foreigner teenager
""".split()
FOLK = frozenset(b"people men women folk folks guy guys kids families person man woman".split())
NAMED = frozenset(word.encode() for word in PEOPLE + SINGULAR)
DESCRIBED = frozenset(word.encode() for word in OF_PEOPLE)
# What a sentence says of a group: traits behind "are", what they cannot or should do, and deeds laid to all of them.
TRAITS = """
(over|hyper)?emotional|hysterical|irrational|illogical|moody|weak(er)?|inferior|superior|stupid|dumb|lazy|dirty|filthy
greedy|stingy|miserly|violent|dangerous|aggressive|savages?|primitive|backwards?|uncivili[sz]ed|criminals?|terrorists?
thieves|thief|rapists?|liars?|cheats|crooks|dishonest|untrustworthy|cunning|sneaky|submissive|bossy|vain|shallow
fragile|gossips?|nags|gold ?diggers|promiscuous|perverts?|perverted|deviants?|sinful|unnatural|disgusting|sick|drunks?
alcoholics?|ignorant|illiterate|incompetent|useless|worthless|helpless|parasites|vermin|animals|pigs|freeloaders
scroungers|senile|fanatics?|extremists?|clumsy|humou?rless|heartless|insensitive|nurturing|burdens?|obsessed with
unfit|incapable|unable
(bad|terrible|awful|poor|worse|horrible|hopeless|great|better|good|no good|not good) (drivers?|leaders?|bosses|parents)
(bad|terrible|awful|poor|worse|horrible|hopeless|great|better|good|no good|not good) (at|with) [a-z]+
(born|natural|naturally) (leaders|criminals|dancers|athletes|carers|caregivers|liars|mothers|killers)
only (interested in|good for|after)|(better|not|un) ?suited|not (as|so|really|very) [a-z]+
not (smart|strong|clever) enough|less (smart|clever|intelligent|capable|rational|able|honest|loyal)|up to no good
out to [a-z]+|all the same
"""
CANNOT = """
drive|lead|think|reason|park|count|fight|work|learn|fit in|integrate|cope|understand
be (trusted|friends|leaders|loyal|taught)
(do|understand|handle) (math|maths|science|money|pressure|stress|technology|computers)|tell the truth|take a joke
raise|have (real )?feelings|want to work|know how|control|keep|make (good|decent)
be (engineers|scientists|pilots|priests|bosses)
"""
PLACES = """
belongs? (in|at|behind|to) (the |a |their )?(kitchen|home|house|household|jail|prison|own|stove)
(should|must|ought to|need to|have to) (always |just |all )?(stay|remain|stick|obey|serve|submit|go (back|home))
(should|must|ought to|need to|have to) know their place
should (not|never) (be|have|work|vote|lead|drive|speak|teach|marry|adopt)
(should|must) be (controlled|kept|deported|banned)
"""
DEEDS = """
(always|constantly|only|just|all) (steal|cheat|lie|complain|nag|gossip|want|care|think|come|smell|drink|fight)
steal|cheat|lie|smell|stink|nag|gossip|breed like|are taking|take our|took our|live off|leech
run the (world|banks|media)|(ruin|destroy|invade|hate) (our|the|this|every|us|everything)[a-z ]*|lack [a-z]+
make (bad|poor|terrible|lousy|awful|better)
"""
# What stands before the name of a group where some people are meant, and not the group.
SOME = frozenset(
    "some the these those both two three four few several our my his her their your certain not of between and for "
    "about by with from to as among against like that when if where".split()
)
# What a sentence has that speaks of a prejudice, of figures or of a finding, and does not state one.
COUNTER = re.compile(
    r"stereotyp|\bmyth|prejudi|misconception|\bnot all\b|\bnot true\b|\buntrue\b|\bfals(e|ely|ehood)\b|\bwrong(ly)?\b"
    r"|no evidence|contrary to|discriminat|\bsexis[tm]|\bracis[tm]|\bbigot|\bclich|nonsense|\bdebunk|\boffensive\b"
    r"|\bhateful\b|\bunfair(ly)?\b|\bpropaganda\b|\bden(y|ied)\b|\bresearch|\bstud(y|ies)\b|\bsurvey|\bper ?cent\b|%"
    r"|\bused to (think|believe|say)|\bbelieved? that\b",
    re.IGNORECASE,
)
ADVERBS = (
    "all|always|just|only|naturally|inherently|simply|too|so|very|more|usually|generally|mostly|often|such|really|far"
    "|much|basically|nothing but|clearly|obviously|known to be|born|by nature|a|an|way|quite|pretty|typically"
    "|a bunch of|a lot of"
)
SENTENCE = re.compile(r"[^.!?\n]+(?:\n[^.!?\n]+)*")


def any_of(lists: str) -> str:
    """A group of the alternatives in lines of them, none of which captures."""
    return "(?:" + "|".join(re.sub(r"\((?!\?)", "(?:", line) for line in lists.split("\n") if line) + ")"


@cache
def patterns() -> tuple[re.Pattern[str], re.Pattern[str]]:
    """(the name of a group, what is said of it right behind)."""
    adjectives = "|".join(OF_PEOPLE)
    many = rf"(?:{adjectives}) (?:people|men|women|folks?|guys|kids|families)|{'|'.join(PEOPLE)}"
    one = rf"(?:{adjectives}) (?:person|man|woman|guy)|{'|'.join(SINGULAR)}"
    name = rf"\b(?:{many}|(?:every|any|no|a|an) (?:typical |true |real |normal )?(?:{one}))(?![\w-])"
    are = rf"(?:are|is|'re)(?: (?:{ADVERBS}))* {any_of(TRAITS)}"
    cannot = (
        r"(?:can't|cannot|can not|can|don't|do not|won't|will never|can never|never|shouldn't|should not) "
        rf"(?:really |ever |even |just )?{any_of(CANNOT)}"
    )
    said = (
        rf"(?: (?:all|always|just|simply|usually|typically))? (?:{are}|{cannot}|{any_of(PLACES)}|{any_of(DEEDS)})(?!\w)"
    )
    return re.compile(name, re.IGNORECASE), re.compile(said, re.IGNORECASE)


def stereotypes(text: str) -> Iterator[str]:
    """The sentences of a text that state something of a whole group."""
    if not _may_name_a_group(text):
        return
    name, said = patterns()
    for match in SENTENCE.finditer(text):
        if not _may_name_a_group(match[0]):
            continue
        sentence = " ".join(match[0].split()).replace("’", "'")
        if any(_stated(sentence, found, said) for found in name.finditer(sentence)) and not COUNTER.search(sentence):
            yield sentence


def _may_name_a_group(text: str) -> bool:
    # A tenth of the time of the pattern.
    used = set(words(text))
    return not NAMED.isdisjoint(used) or not (FOLK.isdisjoint(used) or DESCRIBED.isdisjoint(used))


def _stated(sentence: str, name: re.Match[str], said: re.Pattern[str]) -> bool:
    # The word before it; the whole of a very long sentence is not cut into words for each name.
    before = sentence[max(0, name.start() - 40) : name.start()].split()
    if before and before[-1].strip("\"'(,;:").lower() in SOME:
        return False
    behind = said.match(sentence, name.end())
    if behind is None:
        return False
    # Of "can", only "no woman can" denies something.
    return not re.match(r"(?: \w+)? can (?!not)", behind[0], re.IGNORECASE) or name[0].lower().startswith("no ")


def sentences(text: str) -> int:
    """How many sentences a text has."""
    return sum(1 for match in SENTENCE.finditer(text) if match[0].strip())
