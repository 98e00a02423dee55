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
ENGLISH = """
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
# The same in other languages, and shreds that the lists hold beside them: found by what would be dropped of the
# translations of a manual, and by reading the lists.
OTHERS = """
lan, hai, gan, cao, game, http, 13., wo ri, 人民幣, 台幣, 臺幣, 新台幣, 港幣, 金幣, 伺服器, 系統, 系統公告, 系統訊息
公告, 官方, 客服, 線上客服, 消息, 提示, 指導, 指導員, 新手指導, 新手指導員, 管理員, 管理者, 線上管理者, 遊戲管理者
遊戲工程師, 遊戲工作人員, 遊戲發獎員, 腳本, 國家, 網管, 屏顯, 旋钮, 轮辋, 恐龙, 水晶, 馒头, 饅頭, 鲍鱼, 鮑魚, 玫瑰花结
水货, 淘寶, 喇叭, 公公, 奶奶, 姥姥, 妈妈的, 公共汽車, 公共汽车, 飞机场, 飛機場, 航空母舰, 航空母艦, 小姐, 小妹妹
小弟弟, 小鳥, 小鸟, 鑽石, 紅寶石, 黃寶石, 妖怪, 妖精, 渗透, 穿透, 直立, 刚度, 中獎, 獲獎, 激情, 狂欢, 无用, 無用, 無能
笨拙, 迟钝, 私聊, 私刑, 私生子, 肆虐, 吞咽, 吮吸, 掛機, 外掛, a級, 碼的, 炒飯, 炒饭, 粉腸, 洗面奶, 马马虎虎, 失声
幼虫, 成人, 老太婆, 老头子, 老頭子, 乳房, 乳头, 乳頭, 乳暈, 子宫, 卵子, 精子, 精液, 尿道, 肛門, 肛门, 陰道, 阴道, 陰莖
阴茎, 陰唇, 阴唇, 陰囊, 阴囊, 陰部, 阴部, 陰毛, 阴毛, 陰蒂, 外陰, 陽痿, 阳萎, 早洩, 遺精, 夢遺, 勃起, 生殖器, 睪丸
包皮, 處女膜, 處女, 处女, 流产, 淋病, 花柳, 愛滋, 愛滋病, 性病, 性别, 性生活, 性欲, 性器, 性无能, 性無能, 性交, 性虐待
保險套, 安非他命, 他命, 可待因, 古柯鹼, 冰毒, 鴉片, 吸毒, 大麻油, 麻醉乙醚, 神经衰弱, 智力障碍, 智力障礙, 自閉, 自闭
臀部, 胸罩, 高潮, 人畜共患病, 強暴, 强奸, 强奸犯, 強姦, 強姦犯, 賣淫, 卖淫, 妓女, 妓院, 自焚, 泛性恋, 恋童癖, 纳粹
新纳粹, 希特勒, 一貫道, 一黨專政, 師濤, 戈揚, 蔡崇國, 蔡陸軍, 程凱, 程真, 程鐵軍, 遲浩田, 邢錚, 關卓中, 慶紅, 廣聞
ama, aho, iku, teme, mara, usse, etchi, ロバ, 遅延, 遅らせる, リム, 挿入, ウェブカメラ, 最悪, フック, グロ, 誘惑
ほこり, ねじ込み, のどか, コック, スリット, スナッチ, フランジ, ノブ, ファニー, ファンタジー, ファルス, ボール
プリンス, ランプ, ラバー, ローター, ロゼット, パブ, ハードコア, エスコート, エクスタシー, エゴイズム, ツバメ, カント
シテ, ジャーク, 公爵夫人, 嫌い, 吸う, 噴出, 地獄, 堤防, 拷問, 支配, 放棄, 曇り, 欲望, 殺人事件, 気楽な, 沈む, 浸透
突き通る, 行為, 覗き, 角質の, 近親, 迷い, 野獣, 震え, 飼い主, 際どい, 偽物, 愚痴, 怒って, 平手打ち, がらくた, たわごと
めちゃくちゃ, いたずら, おしゃべり, ぽっちゃり, 乳首, 子宮, 中絶, 堕胎, 直腸, 泌尿器, 糞便, 小便, 性別, 射精, 陰嚢
陰核, 陰茎, ペニス, レイプ, ユダヤ人, ゲイの男性, 両性, 人種, 女の子, 女子高生, 幼児, 人妻, 奴隷, ナチ, ナチス
ヒトラー, ラティーナ, faire, se faire, mettre, does, tool, envoyer, latter, bonne, gros, bout, tuyau, chat, queue
esprit, gdm, démonter, pipe, taper, batch, sauter, saint, sieve, ver, courageux, arracher, astiquer, bat, batte
baptême, bise, bombe atomique, avortement, avortements, سرویس, کردن, شدن, مهاجم, دادن, خطا, گوش, فاصله, پدر, مادر
خانم, خراب کردن, فیلم, زدن, تجاوز, صفت, پرده, پرونده, تقدیر, عرب, فارس, ترک, قیمت, پنیر, گوشت, گربه, گوسفند, گاو, اسب
خرس, خروس, باشگاه, استایل, جوانان, حیوانات, خنده دار, گردن, گریه, مال, سوخته, سوراخ, خون, مروارید, برنامه نویس, نجار
تکان دادن, دوست پسر, دوست دختر, پریود, پستان, تناسلی, واژن, مقعد, بیضه, اسپرم, سقط جنین, بها, الش, الن, الله, bad, cos
zip, ladrão, demônio, buraco, feio, буфер, буфера
"""
NEUTRAL = frozenset(ENGLISH) | {word.strip() for line in OTHERS.split("\n") for word in line.split(",") if word.strip()}
