"""A plain sentence for each kind of SHACL constraint, for shapes that have no `sh:message` of their own."""

from collections.abc import Sequence

from pyoxigraph import Literal, RdfFormat, parse

from qlink_ld.namespaces import PREFIXES
from qlink_ld.validate.catalogue import ShapeCatalogue

# Component → sentence. `{field}` is the property, `{value}` what was found. Source: SHACL §4, core components.
_SENTENCES = {
    "MinCountConstraintComponent": "There are not enough values for {field}. Add what is missing.",
    "MaxCountConstraintComponent": "There are too many values for {field}. Remove those that are wrong.",
    "ClassConstraintComponent": "{value} is not of the class that {field} asks for, or is not known as such. "
    "Use a known IRI, or state its type in the data.",
    "DatatypeConstraintComponent": "{value} is not a well-formed value of the datatype that {field} asks for. "
    "Write it with the right datatype or language tag.",
    "NodeKindConstraintComponent": "{value} is not the right kind of value for {field}: text, IRI or node. Change it.",
    "UniqueLangConstraintComponent": "{field} has two or more texts in one language. Keep one per language.",
    "LanguageInConstraintComponent": "{value} is not in one of the languages that {field} allows. Use one of them.",
    "PatternConstraintComponent": "{value} is not written in the form that {field} asks for. Correct it.",
    "MinLengthConstraintComponent": "{value} is too short for {field}. Correct it.",
    "MaxLengthConstraintComponent": "{value} is too long for {field}. Shorten it.",
    "MinInclusiveConstraintComponent": "{value} is too small for {field}. Correct it.",
    "MinExclusiveConstraintComponent": "{value} is too small for {field}. Correct it.",
    "MaxInclusiveConstraintComponent": "{value} is too large for {field}. Correct it.",
    "MaxExclusiveConstraintComponent": "{value} is too large for {field}. Correct it.",
    "HasValueConstraintComponent": "{field} lacks the value that it must have. Add it.",
    "InConstraintComponent": "{value} is not one of the values that {field} allows. Use one of them.",
    "OrConstraintComponent": "{value} meets none of the conditions of which {field} asks for one. Correct it.",
    "AndConstraintComponent": "{value} does not meet all conditions of {field}. Correct it.",
    "XoneConstraintComponent": "{value} does not meet exactly one of the conditions of {field}. Correct it.",
    "NotConstraintComponent": "{value} is what {field} must not be. Remove or correct it.",
    "NodeConstraintComponent": "{value} does not conform to the shape that {field} asks for. Correct that node.",
    "ClosedConstraintComponent": "{field} is not allowed here. Remove it.",
    "EqualsConstraintComponent": "The values of {field} are not those of the property that they must equal.",
    "DisjointConstraintComponent": "{value} of {field} is also a value of a property with which it must share none.",
    "LessThanConstraintComponent": "{value} of {field} is not less than the value to which it is compared.",
    "LessThanOrEqualsConstraintComponent": "{value} of {field} is more than the value to which it is compared.",
    "QualifiedMinCountConstraintComponent": "{field} has not enough values of the kind that is asked for. Add them.",
    "QualifiedMaxCountConstraintComponent": "{field} has too many values of one kind. Remove some.",
}
_OTHERWISE = "{field} does not meet the condition {component}. Correct it."


def choose_message(
    catalogue: ShapeCatalogue,
    *,
    component: str,
    path: str | None,
    value: str | None,
    named_shape: str | None,
    messages: Sequence[str],
) -> str:
    """Return the text for people of one result.

    Args:
        catalogue: the texts of the shapes.
        component: local name of the constraint component.
        path: `sh:resultPath`, or None.
        value: `sh:value` in N-Triples syntax, or None.
        named_shape: nearest shape with an IRI.
        messages: what the shape itself says (`sh:message`), in any order and in several languages; may be empty.

    Returns:
        The shape's message, in English if it has one; else a sentence made of component, path and value.
    """
    if messages:
        return min(messages, key=lambda text: (text not in catalogue.english_messages, text))
    field = shorten_term(path) if path else f"the shape {shorten_term(named_shape)}" if named_shape else "the shape"
    sentence = _SENTENCES.get(component, _OTHERWISE)
    sentence = sentence.format(field=field, value=shorten_term(value) if value else "A value", component=component)
    return sentence[0].upper() + sentence[1:] if sentence.startswith("the shape") else sentence


def shorten_term(term: str, limit: int = 80) -> str:
    """Write a term of N-Triples syntax for people: prefixed names, quoted text with language or datatype."""
    if term.startswith("<") and term.endswith(">") and term.count("<") == 1:
        return shorten_iri(term[1:-1])
    if term.startswith('"'):
        literal = read_literal(term)
        text = literal.value if len(literal.value) <= limit else literal.value[: limit - 1] + "…"
        if literal.language:
            return f'"{text}"@{literal.language}'
        plain = literal.datatype.value.endswith("#string")
        return f'"{text}"' if plain else f'"{text}" ({shorten_iri(literal.datatype.value)})'
    if "<" in term:  # a compound path
        for prefix, namespace in PREFIXES.items():
            term = term.replace(f"<{namespace}", f"<{prefix}:")
    return term


def shorten_iri(iri: str) -> str:
    """Return `prefix:name` if the namespace is known and the rest is a plain name, else the IRI."""
    for prefix, namespace in PREFIXES.items():
        if iri.startswith(namespace) and "/" not in (rest := iri[len(namespace) :]) and "#" not in rest and rest:
            return f"{prefix}:{rest}"
    return iri


def read_literal(term: str) -> Literal:
    """Parse one literal in N-Triples syntax."""
    quad = next(iter(parse(f"<urn:s> <urn:p> {term} .\n".encode(), format=RdfFormat.N_TRIPLES)))
    if not isinstance(quad.object, Literal):
        raise TypeError(f"not a literal: {term}")
    return quad.object
