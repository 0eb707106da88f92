"""How days are written: the grammar that `dates` reads, as one regular expression over text in lower case.

Every way of naming a day is an alternative named for it; what it holds are groups that begin with the same
letters. Alternatives start at a word, are bounded, and repeat nothing inside a repetition.
"""

from __future__ import annotations

import re

MONTHS = ("jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec")
# By what a weekday begins with, in English as people spell it and in te reo Māori.
WEEKDAYS = {
    prefix: number
    for number, prefixes in enumerate(
        (
            "mo rāh rah",
            "tu rāt\u016b",
            "we rāa raa",
            "th rāp rap",
            "fr fi rām ram par",
            "sa rāho raho",
            "su rāta rata",
        )
    )
    for prefix in prefixes.split()
}
COUNTS = {
    "a": 1,
    "an": 1,
    "one": 1,
    "two": 2,
    "couple": 2,
    "three": 3,
    "few": 3,
    "four": 4,
    "five": 5,
    "six": 6,
    "seven": 7,
    "eight": 8,
    "nine": 9,
    "ten": 10,
    "twelve": 12,
    "fourteen": 14,
    "fifteen": 15,
    "twenty": 20,
    "thirty": 30,
}

WEEKDAY = (
    r"(?:mond(?:a?y)|mon|tues?(?:da?y)?|tuseday|wed(?:nesda?y|nsday|s)?|wensday|thu(?:rs?(?:da?y)?)?|"
    r"thrusday|fri(?:da?y)?|firday|sat(?:u?r?day|urdy|erday)?|sun(?:da?y)?|r\u0101hina|rahina|"
    r"r\u0101t\u016b|r\u0101apa|raapa|r\u0101pare|rapare|r\u0101mere|ramere|paraire|r\u0101horoi|rahoroi|"
    r"r\u0101tapu|ratapu)"
)
MONTH = (
    r"(?:jan(?:uary)?|feb(?:r?uary)?|mar(?:ch)?|apr(?:il)?|may|june?|july?|aug(?:ust)?|sept?(?:ember)?|"
    r"oct(?:ober)?|nov(?:ember)?|dec(?:ember)?)"
)
TOMORROW = (
    r"(?:tom+or+ow|tom+or+o|tomora|tomozz?|tomo|tmoz|tmrr?w|tmrow|tmr|tmw|2mor+ow|2moro|2mrw|2moz|"
    r"\u0101p\u014dp\u014d)"
)
PART = (
    r"(?:morning|mornin|morn|arvo|arvie|avo|afternoon|aft|evening|evenin|eve|night|nite|lunch(?:time)?|noon|"
    r"midday|mid-day|dinner(?:time)?|tea(?:time)?|breakfast|brekkie|am|pm|cob|eod)"
)
CLOCK = (
    r"(?:(?:1\d|2[0-4]|0?\d)(?:[:.h][0-5]\d)?\s?(?:noon|[ap]m|[ap]\.m\.?|o'?clock|hrs)|(?:1\d|2[0-4]|"
    r"0?\d)[:.][0-5]\d(?![\d.])|noon|midday|mid-day|midnight|lunch(?:\s?time)?|dinner\s?time|tea\s?time|"
    r"breakfast|brekkie|first\s+thing(?:\s+in\s+the\s+morning)?)"
)
CLOSE = (
    r"(?:c\.?o\.?b|e\.?o\.?d|c\.o\.b\.|e\.o\.d\.|(?:end|close)\s+of\s+(?:the\s+)?(?:working\s+|business\s+)?"
    r"(?:day|play|business))"
)
DAY = r"(?:3[01]|[12]\d|0?[1-9])"
ORDINAL = r"(?:\s?(?:st|nd|rd|th))"
YEAR = r"20\d\d"

ORDINAL_WORDS = [
    "first",
    "second",
    "third",
    "fourth",
    "fifth",
    "sixth",
    "seventh",
    "eighth",
    "ninth",
    "tenth",
    "eleventh",
    "twelfth",
    "thirteenth",
    "fourteenth",
    "fifteenth",
    "sixteenth",
    "seventeenth",
    "eighteenth",
    "nineteenth",
    "twentieth",
    "twenty-first",
    "twenty-second",
    "twenty-third",
    "twenty-fourth",
    "twenty-fifth",
    "twenty-sixth",
    "twenty-seventh",
    "twenty-eighth",
    "twenty-ninth",
    "thirtieth",
    "thirty-first",
]
TODAY_WORDS = (
    r"today|2day|tonight|tonite|2nite|2night|this\s+(?:very\s+)?(?:morning|morn|arvo|avo|afternoon|evening|"
    r"eve)|i\s+t\u0113nei\s+r\u0101"
)
AHEAD_WORDS = rf"""
    (?P<ahead_count>an?|one|two|three|[123])\s+(?P<ahead_unit>week|fortnight)s?\s+(?:(?:on|from|this)\s+)?
    (?P<ahead_from>{WEEKDAY}|today|{TOMORROW}|(?<=from\ )now)"""
WEEKDAY_WORDS = rf"""
    (?:(?P<weekday_which>this\s+coming|this|next|coming|following)\s+)?
    (?P<weekday_name>{WEEKDAY})(?P<weekday_s>'?s)?\b\.?
    (?: \s+(?:{PART}\s+)?(?P<weekday_later>week|fortnight|(?:of\s+)?next\s+week|after\s+next|gone|just\s+gone|
            past|last|ago)\b(?!\s+of)
      | ,?\s*\(?(?:{PART},?\s+)?(?:the\s+)?(?P<weekday_day>{DAY})(?P<weekday_th>{ORDINAL})?
        (?![\d\w/:%]|[.:-]\d|\s?[\u2013-]\s?\d|\s(?:to|til|till|-)\s\d|\s?(?:[ap]\.?m|o'?clock|noon|hrs?|mins?|x)\b)
        (?:,?\s+(?:of\s+)?(?P<weekday_month>{MONTH})\b\.?)?(?:,?\s+(?P<weekday_year>{YEAR})\b)?
      | ,?\s+(?P<weekday_month2>{MONTH})\b\.?\s+(?:the\s+)?(?P<weekday_day2>{DAY}){ORDINAL}?\b
        (?:,?\s+(?P<weekday_year2>{YEAR})\b)?
    )?"""
NUMERIC_WORDS = r"""
    (?P<numeric_a>\d{1,2})(?P<numeric_between>[/.-])(?P<numeric_b>\d{1,2})
    (?:(?P=numeric_between)(?P<numeric_year>(?:20)?\d\d))?(?![\w%/-]|[.:]\d)"""
DAYMONTH_WORDS = rf"""
    (?:(?P<daymonth_day>{DAY}){ORDINAL}?[\s.-]{{0,2}}|(?P<daymonth_word>{"|".join(ORDINAL_WORDS)})\s+(?=of\s))
    (?:day\s+)?(?:of\s+)?(?P<daymonth_month>{MONTH})\b\.?
    (?:,?[\s-]+(?P<daymonth_year>{YEAR}|'\d\d)\b)?"""
MONTHDAY_WORDS = rf"""
    (?P<monthday_month>{MONTH})\b\.?\s+(?:the\s+)?(?P<monthday_day>{DAY}){ORDINAL}?(?![\w%:/]|[.,]\d)
    (?:,?\s+(?P<monthday_year>{YEAR})\b)?"""
SPAN_WORDS = r"""
    (?P<span_how>in|within|inside)\s+(?:the\s+)?(?:next\s+)?(?:about\s+|around\s+|approx\w*\s+|a\s+)?
    (?P<span_count>\d{1,3}|[a-z]{1,8})?(?:\s+of)?(?:\s+or\s+(?P<span_or>two|three|so))?\s+
    (?P<span_working>(?:working|business|clear|calendar)[\s-]+)?
    (?P<span_unit>day|hour|hr|week|wk|fortnight|minute|min)s?\b'?(?:\s+or\s+(?P<span_or2>two|three|so)\b)?
    (?:\s+time\b)?"""
WEEKEND_WORDS = r"""
    (?:(?P<weekend_how>before|b4|by|over|during|after|at|on|for)\s+)?(?:the\s+)?
    (?:(?P<weekend_which>this|next|coming|this\s+coming|following)\s+)?(?:long\s+|bank\s+holiday\s+)?
    (?:weekend|week-end|w/?end|wk?nd|wkend|weeknd)(?P<weekend_s>s)?\b(?:\s+(?P<weekend_later>after\s+next))?"""
EDGE_WORDS = rf"""
    (?P<edge_at>end|middle|mid|start|beginning|early|late|later|latter\s+part|first\s+thing)[\s-]+
    (?:of\s+|in\s+|on\s+)?(?:the\s+)?
    (?:(?P<edge_which>this|next|following|working|business)\s+)?(?P<edge_unit>week|wk|month|{MONTH})\b(?!-?\s?end)"""
WEEK_WORDS = rf"""
    (?:(?P<week_which>this|next|following)\s+(?:week|wk)\b(?!'|-?\s?end)(?:\s+(?P<week_later>after\s+next))?
      |week\s+after\s+next\b)
    (?:,?\s+(?:on\s+)?(?P<week_day>{WEEKDAY})\b)?"""

FOUND = re.compile(
    rf"""(?<![\w$£€/.@#:'-])(?=[a-z\d\u0100-\u017f])(?:
    (?P<today>(?:{TODAY_WORDS})\b)
  | (?P<tomorrow>(?:the\s+)?(?P<tomorrow_after>day\s+after\s+)?{TOMORROW}\b
        (?:\s+(?P<tomorrow_later>week|fortnight)\b)?)
  | (?P<edge>{EDGE_WORDS})
  | (?P<week>{WEEK_WORDS})
  | (?P<weekday>{WEEKDAY_WORDS})
  | (?P<iso>(?P<iso_year>20\d\d)[-/](?P<iso_month>\d\d)[-/](?P<iso_day>\d\d)(?![\d/-]))
  | (?P<daymonth>{DAYMONTH_WORDS})
  | (?P<clock>{CLOCK}(?!\w))
  | (?P<numeric>{NUMERIC_WORDS})
  | (?P<ordinal>(?P<ordinal_day>{DAY}){ORDINAL}
        (?:\s+(?:inst(?:ant)?\b\.?|of\s+(?P<ordinal_which>this|next)\s+month))?(?![\w'-]))
  | (?P<monthday>{MONTHDAY_WORDS})
  | (?P<span>{SPAN_WORDS})
  | (?P<weekend>{WEEKEND_WORDS})
  | (?P<ahead>{AHEAD_WORDS}\b)
  | (?P<close>{CLOSE}\b)
    )""",
    re.VERBOSE,
)

# What may stand before a day: what makes it a limit, or does not, and what may stand between.
DUE = (
    r"(?:no|not|never)\s+(?:any\s+)?later\s+th[ae]n|(?:at\s+the\s+)?latest(?:\s+(?:by|is))?|"
    r"on\s+or\s+before|by|before|b4|prior\s+to|ahead\s+of|due(?:\s+(?:by|on))?|in\s+time\s+for|(?:have|has|"
    r"got|give\s+\w+|open|valid)\s+(?:un)?til+|deadline(?:\s+(?:of|is|for|on))?:?"
)
NEAR = (
    r"on|for|from|since|until|till|til|after|at|as\s+of|come|and|or|between|to|of|in|than|dated?|"
    r"with\s+effect\s+from"
)
FILLING = (
    rf"the|around|about|approx|say|maybe|perhaps|like|early|late|sometime|some\s+time|time|end\s+of|"
    rf"(?:morning|evening|afternoon|week|day)\s+of|{CLOSE}|{PART}|{CLOCK}"
)
PREFIX = re.compile(
    rf"(?:\b(?:(?P<due>{DUE})|(?P<near>{NEAR}))\s+)?(?:\b(?:{FILLING}),?\s+(?:on\s+)?)*(?:\bon\s+)?$"
)
