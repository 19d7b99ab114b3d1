"""Searching a small project with the real model: right answers, and sensible ones to odd questions."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from codecontext.core.errors import QueryError
from codecontext.core.progress import CancelToken, Progress
from codecontext.engine.engine import Engine
from codecontext.engine.folder_state import Health, Stage
from codecontext.engine.folders import indexed_folder
from codecontext.search import searcher
from codecontext.search.config import Retrieval
from codecontext.search.results import Freshness
from codecontext.store.snapshot import coverage_of
from codecontext.training.data.staleness import require_current_index

pytestmark = pytest.mark.slow

FILES = {
    "shop/cart.py": '''\
class Cart:
    """What a customer is about to buy."""

    def total(self) -> int:
        """Sum of all positions in cents, after discounts."""
        return sum(item.price * item.count for item in self.items) - self.discount

    def empty(self) -> None:
        """Throw everything out."""
        self.items.clear()
''',
    "shop/payment.py": '''\
def charge_credit_card(card, cents):
    """Ask the bank for the money and keep its receipt."""
    return bank.authorise(card.number, cents).receipt


def refund(receipt):
    """Give the money back."""
    bank.reverse(receipt)
''',
    "shop/mail.go": """\
package shop

// SendReceipt mails the receipt of a paid order to the customer.
func SendReceipt(order Order) error {
	return smtp.Send(order.Customer.Mail, render(order))
}
""",
    "tests/test_payment.py": """\
def test_charge_credit_card():
    receipt = charge_credit_card(CARD, 100)
    assert receipt.cents == 100
""",
    "README.md": "# Shop\\n\\nSells things.\\n\\n## Refunds\\n\\nCall us to get your money back.\\n",
}


@pytest.fixture
def engine(project: Path, write: Callable[..., None], engine_for: Callable[[Path], Engine]) -> Engine:
    write(FILES)
    engine = engine_for(project)
    engine.index()
    return engine


@pytest.mark.parametrize(
    ("question", "path", "symbol"),
    [
        ("sum of all items in the shopping basket", "shop/cart.py", "Cart"),
        ("take money from a card", "shop/payment.py", "charge_credit_card"),
        ("charge_credit_card", "shop/payment.py", "charge_credit_card"),
        ("SendReceipt", "shop/mail.go", "SendReceipt"),
        ("e-mail the buyer after the purchase", "shop/mail.go", "SendReceipt"),
    ],
)
def test_the_right_code_comes_first(engine: Engine, question: str, path: str, symbol: str) -> None:
    hit = engine.search(question).hits[0]
    assert (hit.path, hit.symbol) == (path, symbol)


@pytest.mark.parametrize(
    ("query", "paths"),
    [
        ("receipt lang:go", {"shop/mail.go"}),
        ("receipt path:tests/**", {"tests/test_payment.py"}),
        ("money -path:shop", {"README.md", "tests/test_payment.py"}),
        ("money kind:section", {"README.md"}),
        ("receipt lang:python kind:function -path:tests", {"shop/payment.py"}),
    ],
)
def test_filters_hold(engine: Engine, query: str, paths: set[str]) -> None:
    assert {hit.path for hit in engine.search(query).hits} == paths


def test_a_source_comes_before_its_test(engine: Engine) -> None:
    paths = [hit.path for hit in engine.search("charge a credit card").hits]
    assert paths.index("shop/payment.py") < paths.index("tests/test_payment.py")


def test_each_hit_carries_its_evidence(engine: Engine) -> None:
    response = engine.search("refund")
    evidence = response.hits[0].evidence
    assert evidence.lexical_rank == 1
    assert evidence.semantic_rank is not None
    assert evidence.semantic_score is not None
    assert any(rule.startswith("defines") for rule in evidence.rules)
    assert response.state.coverage == 1.0
    assert response.state.degraded is None


@pytest.mark.parametrize(
    ("query", "message"),
    [
        ("", searcher.EMPTY_QUERY),
        ("   ", searcher.EMPTY_QUERY),
        ("lang:go", searcher.EMPTY_QUERY),
        ("?!…", searcher.NO_WORDS),
        ("receipt lang:cobol", searcher.NO_MATCH),
    ],
)
def test_no_answer_says_why(engine: Engine, query: str, message: str) -> None:
    response = engine.search(query)
    assert (response.hits, response.message) == ([], message)


@pytest.mark.parametrize(
    "query", ["환불은 어디에서 처리되나요", "where " * 2000, "'; DROP TABLE chunks; --", "\x00\ud800", "🚀 deploy"]
)
def test_odd_queries_are_answered(engine: Engine, query: str) -> None:
    assert len(engine.search(query).hits) <= 10


def test_limit(engine: Engine) -> None:
    assert len(engine.search("money", limit=1).hits) == 1


def test_changed_and_moved_code_is_shown_as_it_is_now(engine: Engine, project: Path) -> None:
    payment = project / "shop/payment.py"
    payment.write_text("# moved\n" + FILES["shop/payment.py"].replace("bank.reverse", "bank.undo"), encoding="utf-8")
    hits = {hit.symbol: hit for hit in engine.search("charge_credit_card refund path:shop/payment.py").hits}
    assert hits["charge_credit_card"].freshness is Freshness.MOVED
    assert hits["charge_credit_card"].start_line == 2
    assert hits["refund"].freshness is Freshness.CHANGED
    assert "bank.reverse" not in hits["refund"].text


def test_no_index_and_an_empty_one_say_so(project: Path, engine_for: Callable[[Path], Engine]) -> None:
    engine = engine_for(project)
    assert engine.search("anything").message == searcher.NO_INDEX
    engine.index()
    assert engine.search("anything").message in {searcher.NO_INDEX, searcher.EMPTY_INDEX}


def test_a_folder_in_which_everything_is_skipped_has_an_index(
    project: Path, write: Callable[..., None], engine_for: Callable[[Path], Engine]
) -> None:
    write({".env": "TOKEN=1\n", "logo.png": "no picture\n"})
    engine = engine_for(project)
    report = engine.index()
    status = engine.status()
    assert (report.files, report.coverage, sum(report.skipped.values())) == (0, 1.0, 2)
    assert (status.indexed, status.coverage, status.skipped_by_reason) == (True, 1.0, report.skipped)
    assert (status.skipped, status.stage, status.health) == (2, Stage.EMPTY, Health.UNKNOWN)
    assert [item.path for item in status.skipped_files] == [".env", "logo.png"]
    answer = engine.search("anything")
    assert (answer.message, answer.state.coverage) == (searcher.EMPTY_INDEX, 1.0)
    assert coverage_of(engine.store, report.space_id) == 1.0
    assert indexed_folder(project) == project
    require_current_index(project, engine.store, engine.settings.indexing)


def test_a_half_built_index_ranks_by_meaning_too(
    project: Path, write: Callable[..., None], engine_for: Callable[[Path], Engine]
) -> None:
    write(FILES)
    engine = engine_for(project)
    cancel = CancelToken()

    def stop_before_vectors(progress: Progress) -> None:
        if progress.stage == "loading model":
            cancel.cancel()

    engine.index(on_progress=stop_before_vectors, cancel=cancel)
    response = engine.search("give the money back")
    assert response.state.coverage == 0
    assert response.state.degraded is not None
    assert "index" in response.state.degraded
    assert response.hits[0].symbol == "refund"
    assert response.hits[0].evidence.semantic_score is not None


def test_words_alone_and_meaning_alone(engine: Engine) -> None:
    lexical = engine.search("refund", retrieval=Retrieval.LEXICAL).hits[0]
    semantic = engine.search("refund", retrieval=Retrieval.SEMANTIC).hits[0]
    assert lexical.evidence.semantic_rank is None
    assert semantic.evidence.lexical_rank is None


def test_similar_finds_like_code_and_not_itself(engine: Engine, write: Callable[..., None]) -> None:
    write({"shop/paypal.py": FILES["shop/payment.py"].replace("credit_card", "paypal").replace("bank", "paypal")})
    engine.index()
    hit = engine.similar("shop/payment.py", 3).hits[0]
    assert (hit.path, hit.symbol) == ("shop/paypal.py", "charge_paypal")
    assert all(
        (hit.path, hit.symbol) != ("shop/payment.py", "charge_credit_card")
        for hit in engine.similar("shop/payment.py", 3).hits
    )


def test_similar_to_a_place_that_is_not_indexed(engine: Engine) -> None:
    with pytest.raises(QueryError, match=r"'nowhere\.py' is not in the index"):
        engine.similar("nowhere.py", 1)
