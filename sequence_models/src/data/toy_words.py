"""The words and sentences of `stories`.

A slot in braces is drawn where it is first met and kept to the end of the story; its
other forms (pronoun, article, number) follow it. A capital letter makes the form one. A
slot of `FRESH` is drawn anew each time.
"""

_GIRLS = (
    "Mia Lily Anna Sara Ella Nora Rosa Ivy Zoe Lucy Emma Ruby Clara Dora Tina Maya "
    "Alice Grace Molly Hana"
)
_BOYS = (
    "Tom Ben Max Sam Leo Jack Finn Noah Paul Omar Theo Hugo Ivan Carl Eric Luis Adam "
    "Peter Oscar Ravi"
)
_FRIENDS = "Kim Jo Pat Alex Robin Sky Lee Sasha Jamie Casey Quinn Billie Toni Sol"
_COLOURS = "red blue green yellow pink white black brown orange purple golden silver"
_ONE = "kite ball hat drum boat coin doll flute spoon map book ring cup box bell crown"
_MANY = "boots gloves marbles keys beads shells stones skates cards paints"
_ANIMALS = "owl fox ant bear frog mouse eagle rabbit otter crow goat duck snail turtle"
_PLACES = (
    "park|forest|garden|beach|farm|market|lake|hill|river|meadow|school|old mill|"
    "playground|village"
)
_SPOTS = (
    "under a bench|behind a tree|in a deep hole|beside a big rock|on a high branch|"
    "inside a basket|near the gate|between two bushes|below the bridge|next to a well|"
    "among the flowers|on top of a wall"
)


def _person(name: str, girl: bool) -> dict[str, str]:
    words = "she her her girl" if girl else "he him his boy"
    forms = zip(("he", "him", "his", "child"), words.split(), strict=True)
    return {"hero": name, **dict(forms)}


def _thing(noun: str, many: bool) -> dict[str, str]:
    words = "they them were are" if many else "it it was is"
    forms = zip(("it", "it_", "was", "is"), words.split(), strict=True)
    return {"thing": noun, "a": "some" if many else "a", **dict(forms)}


def _animal(noun: str) -> dict[str, str]:
    return {"animal": noun, "an": "an" if noun[0] in "aeo" else "a"}


SLOTS: dict[str, list[dict[str, str]]] = {
    "hero": [_person(name, True) for name in _GIRLS.split()]
    + [_person(name, False) for name in _BOYS.split()],
    "friend": [{"friend": name} for name in _FRIENDS.split()],
    "colour": [{"colour": word} for word in _COLOURS.split()],
    "thing": [_thing(noun, False) for noun in _ONE.split()]
    + [_thing(noun, True) for noun in _MANY.split()],
    "animal": [_animal(noun) for noun in _ANIMALS.split()],
    "place": [{"place": word} for word in _PLACES.split("|")],
    "spot": [{"spot": words} for words in _SPOTS.split("|")],
}
"""Name of a slot -> its values, each with all its forms."""

FRESH: dict[str, list[str]] = {
    "sky": "sunny rainy windy cloudy cold warm quiet bright".split(),
    "good": "happy glad proud cheerful joyful merry".split(),
    "bad": "sad worried upset afraid lonely cross".split(),
    "size": "little kind clever brave funny shy tall curious".split(),
    "how": "slowly quickly softly loudly carefully gently".split(),
}

_BEGIN = (
    "Once upon a time there was a {size} {child} named {hero}.",
    "{hero} was a {size} {child} who lived near the {place}.",
    "One {sky} day, a {child} called {hero} woke up early.",
    "There once lived a {size} {child}. {His} name was {hero}.",
    "It was a {sky} morning and {hero}, a {size} {child}, was {good}.",
)
_OWN = (
    "{He} had {a} {colour} {thing} and loved {it_} very much.",
    "{His} {thing} {was} {colour}, and {he} took {it_} everywhere.",
    "{His} mother gave {him} {a} {colour} {thing}.",
    "{He} got {a} {colour} {thing} from {his} grandfather.",
    "{He} found {a} {colour} {thing} in {his} room and smiled.",
)
_GO = (
    "{He} went to the {place} with {his} friend {friend}.",
    "{hero} and {friend} walked {how} to the {place}.",
    "At the {place} {he} met {friend}, who was {good} to see {him}.",
    '"Let us play at the {place}," said {friend}.',
    "Then {friend} asked {him} to come to the {place}.",
)
_LOSE = (
    "But the wind took the {thing} away, and {hero} was {bad}.",
    'Soon {he} looked around. "Where {is} my {thing}?" {he} cried.',
    "When {he} looked again, the {colour} {thing} {was} gone.",
    "They played all day, and {hero} forgot the {thing}. Now {it} {was} lost.",
    "A {size} dog ran off with the {thing}. {hero} felt {bad}.",
)
_SEEK = (
    '"Do not be {bad}," said {friend}. "We will find {it_}."',
    "{friend} looked in every bush, but the {thing} {was} not there.",
    "{He} asked {friend} for help, and they searched {how}.",
    "They called and called, but {it} did not come back.",
    "{hero} sat down and {friend} held {his} hand.",
)
_MEET = (
    "Then {an} {animal} came by and asked why {he} was {bad}.",
    "Suddenly they saw {an} {animal}. The {animal} spoke {how}.",
    "{An} {animal} had seen it all and wanted to help {him}.",
    'Just then {an} {animal} said {how}, "What are you looking for?"',
)
_TELL = (
    '"I lost my {colour} {thing}," said {hero}. "Look {spot}," said the {animal}.',
    'The {animal} said, "I saw {a} {colour} {thing} {spot}."',
    "The {animal} pointed: something {colour} lay {spot}.",
    '"Go and look {spot}," the {animal} told {hero} and {friend}.',
)
_FIND = (
    "{hero} ran there {how}. The {thing} {was} {spot}!",
    "And so {it} {was}: the {colour} {thing}, {spot}.",
    "{friend} looked {spot} and found the {thing}. {hero} was {good}.",
    "{He} looked {spot}, and there {it} {was}. How {colour} {it} {was}!",
)
_THANK = (
    '"Thank you, {animal}!" said {hero}, and gave {it_} to {friend} to hold.',
    "{He} thanked the {animal} and hugged {friend}.",
    "The {animal} was {good} too, and danced {how} with {friend}.",
    '{friend} said to the {animal}, "You are a {size} friend."',
)
_END = (
    "{hero} took the {colour} {thing} home from the {place} and slept well.",
    "From that day on, {hero} never lost {his} {thing} again.",
    "At home {he} told {his} mother about the {animal} at the {place}.",
    "{hero}, {friend} and the {animal} were friends forever.",
    "That night {hero} dreamed of the {animal} and the {colour} {thing}.",
    "And every {sky} day, {hero} and {friend} went back to the {place}.",
)

STORY = (_BEGIN, _OWN, _GO, _LOSE, _SEEK, _MEET, _TELL, _FIND, _THANK, _END)
"""The sentences of a story in order; of each, one is chosen."""
