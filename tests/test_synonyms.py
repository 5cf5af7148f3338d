"""Whoever writes another library's name is told ours."""

import pytest

import slopec as sp
from slopec.synonyms import SYNONYMS


@pytest.mark.parametrize("name", SYNONYMS)
def test_other_names_lead_to_ours(name):
    assert name not in sp.public.__all__
    assert callable(getattr(sp, SYNONYMS[name]))
    with pytest.raises(AttributeError, match=f"`slopec.{SYNONYMS[name]}`"):
        getattr(sp, name)


def test_methods_have_other_names_too():
    x = sp.tensor([0.5, -2.5])
    for other, ours in (("fabs", "abs"), ("psi", "digamma"), ("radians", "deg2rad")):
        assert getattr(x, other)().tolist() == getattr(x, ours)().tolist()


def test_names_of_submodules_and_misspelt_ones():
    with pytest.raises(AttributeError, match=r"`slopec\.nn\.functional\.softmax`"):
        _ = sp.softmax
    with pytest.raises(AttributeError, match="did you mean `concat`"):
        _ = sp.concta
    with pytest.raises(AttributeError, match=r"has no attribute 'zzzzz'$"):
        _ = sp.zzzzz
    assert not hasattr(sp, "cat")
