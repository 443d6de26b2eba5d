"""Text that breaks formats, for hypothesis: arbitrary, and of the signs that mean something."""

from hypothesis import strategies as st

from reports.document import Span

SIGNS = "ab1 *_`|[]()<>#~$&!\\-+=.:/%^{}@,'\"\n\t\u2028Äß中†±\u2212\u200b\u202e"
words = st.text(st.sampled_from(SIGNS), max_size=10) | st.text(max_size=10)
spans = st.builds(
    Span,
    words,
    bold=st.booleans(),
    italic=st.booleans(),
    code=st.booleans(),
    sign=st.booleans(),
    link=st.sampled_from(["", "http://x/#/a(b)_c", "javascript:alert(1)", 'http://x/"><script>']),
)
texts = st.lists(spans, max_size=4).map(tuple)


def tables(most: int = 4):
    """Rows of one length, the first of them the headers."""
    return st.integers(1, most).flatmap(
        lambda n: st.lists(
            st.lists(texts, min_size=n, max_size=n).map(tuple), min_size=2, max_size=4
        )
    )
