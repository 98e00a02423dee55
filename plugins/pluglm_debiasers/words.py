"""Gendered words of English, as pairs that swap with each other."""

from __future__ import annotations


def _pairs(text: str) -> tuple[tuple[str, str], ...]:
    return tuple((left, right) for left, _, right in (pair.partition("/") for pair in text.split()))


GENDER_PAIRS: tuple[tuple[str, str], ...] = _pairs(
    "he/she himself/herself mr/ms man/woman men/women boy/girl boys/girls guy/gal guys/gals gentleman/lady "
    "gentlemen/ladies male/female males/females father/mother fathers/mothers dad/mom dads/moms daddy/mommy papa/mama "
    "son/daughter sons/daughters brother/sister brothers/sisters husband/wife husbands/wives uncle/aunt uncles/aunts "
    "nephew/niece nephews/nieces grandfather/grandmother grandfathers/grandmothers grandpa/grandma "
    "grandson/granddaughter grandsons/granddaughters stepfather/stepmother stepson/stepdaughter "
    "stepbrother/stepsister godfather/godmother boyfriend/girlfriend boyfriends/girlfriends groom/bride grooms/brides "
    "widower/widow widowers/widows king/queen kings/queens prince/princess princes/princesses duke/duchess "
    "dukes/duchesses emperor/empress baron/baroness monk/nun monks/nuns actor/actress actors/actresses "
    "waiter/waitress waiters/waitresses hero/heroine heroes/heroines wizard/witch wizards/witches "
    "landlord/landlady landlords/landladies policeman/policewoman policemen/policewomen businessman/businesswoman "
    "businessmen/businesswomen chairman/chairwoman chairmen/chairwomen spokesman/spokeswoman spokesmen/spokeswomen "
    "congressman/congresswoman congressmen/congresswomen salesman/saleswoman salesmen/saleswomen sir/madam lad/lass "
    "lads/lasses fatherhood/motherhood brotherhood/sisterhood manhood/womanhood boyhood/girlhood masculine/feminine "
    "masculinity/femininity paternal/maternal fatherly/motherly manly/womanly boyish/girlish paternity/maternity"
)
# Two words of one gender share one of the other, so that the way back is not the way here.
ONE_WAY: dict[str, str] = {"mrs": "mr", "mum": "dad", "mummy": "daddy", "hers": "his", "him": "her"}

NAME_PAIRS: tuple[tuple[str, str], ...] = _pairs(
    "james/mary robert/patricia john/jennifer michael/linda david/elizabeth william/barbara richard/susan "
    "joseph/jessica thomas/sarah christopher/karen charles/lisa daniel/nancy matthew/betty anthony/sandra "
    "donald/ashley steven/emily andrew/kimberly paul/margaret joshua/donna kenneth/michelle kevin/carol brian/amanda "
    "george/melissa timothy/deborah ronald/stephanie jason/rebecca edward/sharon jeffrey/laura ryan/cynthia "
    "jacob/kathleen gary/amy nicholas/angela eric/shirley jonathan/anna stephen/brenda larry/pamela justin/emma "
    "scott/nicole benjamin/samantha samuel/katherine gregory/christine alexander/helen patrick/debra peter/rachel "
    "henry/carolyn adam/maria oliver/olivia noah/sophia"
)


def _words(text: str) -> frozenset[str]:
    return frozenset(text.split())


# What follows "her" where it is an object ("saw her again"), and "his" where it stands alone ("a friend of his who").
FUNCTION_WORDS: frozenset[str] = _words(
    "a about after again against ago all along also although always an and any anyway are around as at away back "
    "because been before being between both but by can could did do does down during each either even every for from "
    "had has have he here how i if in into is it later may might much must never no nor not now of off often on once "
    "or our out over shall she should since so some soon than that the their them then there these they this those "
    "though through to today together tomorrow tonight too toward towards under unless until up us very was we were "
    "what when where whether which while who whom why will with within without would yesterday yet you your my myself "
    "me"
)
