"""The words of addresses in English-speaking countries: types of streets, units, and what is none of it."""

from __future__ import annotations


def _words(text: str) -> frozenset[str]:
    return frozenset(text.split())


# What a type is called where it is spelled out. The first group hardly means anything else.
STRONG_TYPES = {
    word: word.title()
    for word in [
        "street",
        "road",
        "avenue",
        "crescent",
        "terrace",
        "boulevard",
        "highway",
        "esplanade",
        "parade",
        "mews",
        "lane",
        "drive",
        "motorway",
        "parkway",
        "freeway",
    ]
} | {
    "st": "Street",
    "str": "Street",
    "rd": "Road",
    "ave": "Avenue",
    "aven": "Avenue",
    "cres": "Crescent",
    "cresc": "Crescent",
    "tce": "Terrace",
    "terr": "Terrace",
    "blvd": "Boulevard",
    "bvd": "Boulevard",
    "hwy": "Highway",
    "pde": "Parade",
    "pkwy": "Parkway",
    "gdns": "Gardens",
    "esp": "Esplanade",
    "cct": "Circuit",
    "crt": "Court",
}
# Strong with a capital, everyday words without one.
PLACELIKE = _words("lane drive")
# Everyday words, and abbreviations that are also something else: only with capitals or a number.
WEAK_TYPES = {
    word: word.title()
    for word in [
        "close",
        "court",
        "place",
        "way",
        "walk",
        "grove",
        "gardens",
        "row",
        "square",
        "steps",
        "circuit",
        "circle",
        "quay",
        "rank",
        "crossing",
        "loop",
        "alley",
        "wynd",
        "passage",
        "pass",
        "chase",
        "boulevarde",
        "promenade",
        "arcade",
        "ramp",
        "croft",
        "causeway",
        "embankment",
        "wharf",
        "yard",
        "strand",
    ]
} | {
    "dr": "Drive",
    "ct": "Court",
    "pl": "Place",
    "cl": "Close",
    "gr": "Grove",
    "gro": "Grove",
    "grv": "Grove",
    "sq": "Square",
    "ln": "Lane",
    "cir": "Circle",
    "cr": "Crescent",
    "av": "Avenue",
    "ter": "Terrace",
    "circ": "Circuit",
    "wy": "Way",
}
# Suburbs and hills are named so as well: only with a number, or where the street is known already.
SUBURB_TYPES = {
    word: word.title()
    for word in [
        "hill",
        "bay",
        "park",
        "heights",
        "vale",
        "point",
        "green",
        "mount",
        "glen",
        "cove",
        "gate",
        "end",
        "fields",
        "common",
        "view",
        "rise",
        "ridge",
        "bank",
        "reach",
        "dale",
        "mead",
        "meadow",
        "meadows",
        "hollow",
        "landing",
        "key",
        "link",
        "bend",
        "crest",
        "track",
        "trail",
        "path",
        "mall",
        "garden",
        "field",
        "valley",
        "beach",
        "island",
        "court",
        "villas",
        "cottages",
        "buildings",
        "plaza",
        "brow",
        "nook",
    ]
    if word not in WEAK_TYPES
} | {"hts": "Heights", "mt": "Mount", "pt": "Point", "vw": "View"}
TYPES = SUBURB_TYPES | WEAK_TYPES | STRONG_TYPES

# "Rise" and "View" end names of streets more often than of suburbs, once both words have capitals.
STREETLIKE = _words("rise view link track crest steps rank")

UNITS = _words("unit units flat apt apartment suite ste villa townhouse studio lot shop apmt maisonette u")
# Followed by one number only, they number the dwelling; a lot or a shop may be the address.
DWELLINGS = _words("unit flat apt apartment suite ste villa townhouse studio maisonette")

DIRECTIONS = _words("n s e w ne nw se sw north south east west northeast northwest southeast southwest")
# After the type: "Queen Street West".
COMPASS = _words("north south east west upper lower extension ext n s e w nw ne sw se")

MONTHS = _words(
    "jan january feb february mar march apr april may jun june jul july aug august sep sept september "
    "oct october nov november dec december"
)
WEEKDAYS = _words(
    "mon monday tue tues tuesday wed weds wednesday thu thur thurs thursday fri friday sat saturday "
    "sun sunday"
)

# Words that never are part of a street's name as it is written after a number or before its type.
STOP = (
    MONTHS
    | WEEKDAYS
    | _words(
        """a an the this that these those my our your his her their its ur yr thy some any each every no
        not all both another other same which what whose one two three four five six seven eight nine
        ten in on at to of for from by with and or but nor near off per via into onto over under up down
        out about around across along behind beside between beyond outside inside opposite past through
        towards re fw fwd attn cc ref regarding concerning versus vs x is are was were be been being am
        has have had do does did will would can could should may might must shall i we you he she it
        they me us him them who whom there here where when while then than if so as because since until
        till also just only even still yet again now very too more most much many few less least lots
        lot of bit quite really go goes going went gone come comes came get gets got see sees saw seen
        look looks looked view views want wants need needs like likes love loved take takes took make
        makes made put keep say says said tell told ask asked think know hope send sent call ring visit
        visited viewed inspect inspected buy bought sell sold selling buying list listed show showed
        drive walk park close thanks thank please pls hi hello hey dear kia ora cheers regards morning
        afternoon evening night today tomorrow tonight yesterday am pm hour hours hr hrs minute minutes
        min mins second seconds sec day days week weeks wk wks month months year years yr yrs working
        business weekday weekend fortnight bed beds bedroom bedrooms bdrm bath baths bathroom bathrooms
        car cars garage garages storey storeys story level levels floor floors room rooms sqm m m2 km
        kms metre metres meter meters mile miles ft feet acre acres hectare hectares ha people persons
        person adults adult kids children offers offer groups group buyers buyer vendors vendor parties
        party percent pc k mil million thousand hundred dollars pounds euro times time things thing
        points items item questions question photos photo copies copy pages page new big small main
        busy quiet nice lovely good great best better wrong right own whole entire dead next last first
        second third final left side back front top bottom far open only side through straight
        narrow wide little steep leafy sunny whole country local public private same opposite
        house home place property
        flat unit apartment section townhouse villa land address auction settlement sale
        purchase tender contract
        agreement report appraisal inspection viewing listing enquiry invoice estate deal key keys
        tenancy finance photo sign update feedback campaign marketing brochure pre-settlement agent
        agents agency realty lawyers solicitors conveyancing legal primary school limited ltd llp inc
        remember forget note check meet drop follow bring grab leave start try use
        welcome urgent automatic reply subject attention won't don't didn't it's that's there's we're
        i'm minute's minutes' days' hours'"""
    )
)

# Of these, what is a name when it has a capital: "Bath Parade", "Level Street", "Front Street".
CONTENT = _words(
    """see view drive walk park close bath floor mile second first third car million little main small
        big great good best right back front top bottom cross short long side land house home section
        villa key photo sign estate old new quiet busy lovely nice high country public level point
        garage acre may june april august green last next"""
)

# Of these, what a street is called so often that a number before it is enough: "27 high st".
FRONT = _words("high main park new old front back cross public")

# Never part of a name below a type without capitals: "2 nice quiet close", "3 car parking place".
PLAIN = _words(
    """parking meeting market common taking takes safe fire easy hard half full free extra different
        certain possible early late quick fast slow hot cold warm dry wet clean dirty dark light cheap
        expensive nearby couple pair lot point start end work school family community shopping play tree
        green grass rear covered secure single double triple tandem detached terraced attached victorian
        edwardian georgian mid stage part pre post non semi sub per second-hand third-party move test
        land driving walking bike bus tennis basketball food court district family supreme magistrates
        crown high county"""
)

# Larger than a suburb: where an address ends, not what tells two of them apart.
CITIES = frozenset(
    """auckland|wellington|christchurch|hamilton|tauranga|dunedin|new zealand|nz|aotearoa|tāmaki makaurau
    sydney|melbourne|brisbane|perth|adelaide|canberra|hobart|darwin|gold coast|newcastle|geelong|australia
    london|birmingham|manchester|leeds|liverpool|bristol|sheffield|nottingham|leicester|cardiff|edinburgh
    glasgow|aberdeen|belfast|swansea|england|scotland|wales|northern ireland|united kingdom|uk
    dublin|cork|galway|limerick|waterford|ireland|co dublin|co cork|county dublin|county cork
    toronto|vancouver|montreal|montréal|calgary|edmonton|ottawa|winnipeg|halifax|victoria|canada
    new york|los angeles|chicago|houston|seattle|portland|boston|denver|austin|dallas|atlanta|san francisco
    san diego|philadelphia|phoenix|usa|us|united states
    nsw|vic|qld|wa|sa|tas|act|nt|queensland|tasmania|south australia|western australia|new south wales
    ontario|british columbia|alberta|quebec|bc|ab|on|qc|mb|sk|ns|nb|oregon|washington|california|texas
    or|ca|tx|ny|ma|co|il|ga|az|fl|nj|pa|oh|mi|va""".replace("\n", "|")
    .replace("    ", "")
    .split("|")
)
# Small words inside a name.
SMALL = _words("of the on le la de du upon by under and")
# What may stand behind an address that is complete.
ENDS = frozenset(("", "\n", ",", ".", ";", ":", ")", "!", "?", "(", "-", "\u2013", "\u2014", "|", '"'))
# What shows, before a number, that an address follows.
BEFORE_AN_ADDRESS = ENDS | _words(
    """at of for re about to on from in is see near inspect view house property place unit no number
        past and regarding outside opposite worth"""
)
# What a letter begins with, before a name.
GREETINGS = _words(
    "hi hello hey dear kia ora morning afternoon evening thanks cheers gidday g'day tēnā koe hiya"
)
