"""The words that drawings need, as rows of a small embedding table.

Pre-training only ever sees a hundred or two of the tokenizer's 49408 ids, so it trains a table
with one row for each of those and writes them into the full table at the end.
"""

from collections.abc import Iterable, Sequence

import torch
from open_clip.tokenizer import SimpleTokenizer
from torch import Tensor


class Vocabulary:
    """Texts to rows of a compact table that holds the given words and nothing else."""

    def __init__(self, words: Iterable[str]) -> None:
        self._tokenizer = SimpleTokenizer()
        self._known: dict[str, list[int]] = {}
        ids = {self._tokenizer.sot_token_id, self._tokenizer.eot_token_id}
        for word in words:
            ids.update(self._tokenizer.encode(word))
        self.ids = sorted(ids)
        self._row = {token: row for row, token in enumerate(self.ids)}

    def __len__(self) -> int:
        return len(self.ids)

    def _encode(self, text: str) -> list[int]:
        if text not in self._known:
            tokens = self._tokenizer.encode(text)
            tokens = [self._tokenizer.sot_token_id, *tokens, self._tokenizer.eot_token_id]
            self._known[text] = [self._row[token] for token in tokens]
        return self._known[text]

    def __call__(self, texts: Sequence[str]) -> tuple[Tensor, Tensor]:
        """Rows ``[n, longest]``, padded with row 0, and the place ``[n]`` of the end token."""
        encoded = [self._encode(text) for text in texts]
        longest = max(map(len, encoded))
        rows = torch.tensor([line + [0] * (longest - len(line)) for line in encoded])
        return rows, torch.tensor([len(line) - 1 for line in encoded])

    def spread(self, table: Tensor, full: Tensor) -> None:
        """Write the trained rows of ``table`` into the full embedding table, in place."""
        full[torch.tensor(self.ids)] = table.to(full)
