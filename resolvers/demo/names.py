"""Names as they are found in China: surnames by frequency, given names by sex and generation."""

from __future__ import annotations

from random import Random

__all__ = ["SURNAMES", "draw_surname", "given_name"]

_FREQUENT = (
    "王72 李70 张67 刘51 陈46 杨32 黄25 吴20 赵20 周19 徐15 孙14 马13 朱13 胡13 林11 郭11 何11 "
    "高10 罗10 郑9 梁9 谢8 宋8 唐7 许7 邓7 冯7 韩7 曹6 曾6 彭6 萧5 蔡5 潘5 田5 董5 袁5 于5 余5 "
    "叶5 蒋5 杜5 苏5 魏5 程5 吕5 丁5 沈4 任4 姚4 卢4 傅4 钟4 姜4 崔4 谭4 廖4 范4 汪4 陆4 金4 石3 "
    "戴3 贾3 韦3 夏3 邱3 方3 侯3 邹3 熊3 孟3 秦3 白3 江3 阎3 薛3 尹3 段3 雷3 黎2 史2 龙2 陶2 贺2 "
    "顾2 毛2 郝2 龚2 邵2 万2 钱2 严2 欧阳1 上官1 诸葛1 司马1"
)

_WEIGHTS = {entry.rstrip("0123456789"): entry for entry in _FREQUENT.split()}
SURNAMES = tuple(_WEIGHTS)
"""Every surname used; a resident's is a position in this tuple."""

_DEALT = [
    number
    for number, (name, entry) in enumerate(_WEIGHTS.items())
    for _ in range(int(entry[len(name) :]))
]

_YOUNG_SINCE = 1985
_ONE_CHARACTER = 0.15
_GIVEN = {
    (1, False): "建国军平志强明华伟文德福贵生林祥荣海金玉成新永春根全忠良勇刚斌辉宏义信发富民庆光",
    (0, False): "秀英芳兰玉梅珍桂凤霞红丽娟琴素云美莲翠淑敏静燕萍华春香菊爱金玲艳芬月彩惠巧银娥",
    (1, True): "浩宇轩泽辰子涵博文俊杰天翔睿铭嘉懿晨逸凡皓然鑫磊鹏飞昊霖煜城梓豪奕航承旭思远启",
    (0, True): "欣怡梓涵诗雨思琪语嫣佳宁雅雯可馨若曦梦瑶一诺依晨紫萱静姝艺菲婉清妍希芷晴悦心乐",
}


def draw_surname(random: Random) -> int:
    """The position of a surname in SURNAMES."""
    return _DEALT[int(random.random() * len(_DEALT))]


def given_name(random: Random, sex: int, birth_year: int) -> str:
    """One or two characters that suit a man (1) or woman (0) born in that year."""
    characters = _GIVEN[sex, birth_year >= _YOUNG_SINCE]
    size = len(characters)
    first = characters[int(random.random() * size)]
    if random.random() < _ONE_CHARACTER:
        return first
    return first + characters[int(random.random() * size)]
