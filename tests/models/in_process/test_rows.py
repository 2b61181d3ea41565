"""Keys and values in rows that grow, and pieces of prompts within a limit."""

import torch

from comity.models.in_process.rows import PIECE, Pieces, Rows, Shape

SHAPE = Shape(layers=2, groups=2, size=4, dtype=torch.float32, device=torch.device("cpu"))


def written(rows: Rows, places: list[int], start: int, value: float) -> None:
    """Write a number at one position of some rows, in both layers."""
    positions = torch.full((len(places), 1), start)
    rows.these(torch.tensor(places), positions, 64)
    for layer in range(2):
        entry = torch.full((len(places), 2, 1, 4), value + layer)
        rows.update(entry, -entry, layer)


def seen(rows: Rows, place: int, position: int, layer: int = 0) -> float:
    found: float = rows._kept[layer, 0, place, 1, position, 3].item()
    return found


def test_what_was_written_stays_as_rows_and_length_grow() -> None:
    rows = Rows(SHAPE)
    rows.reserve(1, 10, 10)
    written(rows, [0], 9, 5.0)
    rows.reserve(9, 700, 700)
    assert seen(rows, 0, 9) == 5.0
    assert seen(rows, 0, 9, layer=1) == 6.0
    assert rows.bytes == rows.room(9, 700)


def test_rows_grow_by_halves_and_not_past_what_can_be_needed() -> None:
    rows, lengths = Rows(SHAPE), list[int]()
    for tokens in range(10, 500):
        rows.reserve(4, tokens, 500)
        lengths.append(rows.bytes // SHAPE.bytes // 4)
    assert list(dict.fromkeys(lengths)) == [64, 128, 192, 320, 512]


def test_rows_that_are_cleared_hold_nothing_and_the_others_what_they_held() -> None:
    rows = Rows(SHAPE)
    rows.reserve(4, 64, 64)
    written(rows, [0, 1, 2, 3], 7, float("nan"))
    written(rows, [1, 3], 7, 2.0)
    rows.clear({1, 3})
    assert [seen(rows, place, 7) for place in range(4)] == [0.0, 2.0, 0.0, 2.0]


def test_a_row_is_written_at_its_own_place_and_moved_whole() -> None:
    rows = Rows(SHAPE)
    rows.reserve(4, 64, 64)
    written(rows, [1, 3], 7, 2.0)
    assert [seen(rows, place, 7) for place in range(4)] == [0.0, 2.0, 0.0, 2.0]
    rows.move(3, 0, 8)
    assert seen(rows, 0, 7) == 2.0


def test_a_piece_is_a_copy_that_can_be_put_elsewhere() -> None:
    rows = Rows(SHAPE)
    rows.reserve(2, 128, 128)
    written(rows, [0], PIECE + 3, 4.0)
    piece = rows.piece(0, PIECE)
    written(rows, [0], PIECE + 3, 9.0)
    rows.put(1, PIECE, piece)
    assert seen(rows, 1, PIECE + 3) == 4.0
    assert piece.nbytes == PIECE * SHAPE.bytes


def test_pieces_stay_within_their_limit_and_a_prompt_loses_its_end_first() -> None:
    piece = torch.zeros(10)
    pieces = Pieces(limit=4 * piece.nbytes)
    first, second = [b"a0", b"a1", b"a2"], [b"b0", b"b1"]
    for keys in (first, second):
        for key in keys:
            pieces.keep(key, piece)
        pieces.find(keys)
        assert pieces.bytes <= 4 * piece.nbytes
    assert [len(pieces.find(keys)) for keys in (first, second)] == [2, 2]


def test_nothing_is_kept_that_alone_is_too_large() -> None:
    pieces = Pieces(limit=3)
    pieces.keep(b"a", torch.zeros(10))
    assert pieces.find([b"a"]) == []
    assert pieces.bytes == 0
