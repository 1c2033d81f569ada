"""The three short tasks of the sample family: prompts, answers and the held-out split.

Every example is one line of plain characters, prompt then answer:

    add:37+48=85        the sum of two two-digit numbers
    rev:qtlmz=zmltq     four to eight letters backwards
    sort:qtlmz=lmqtz    four to eight letters in alphabetical order

A prompt belongs to the held-out tenth when the CRC-32 of its text is divisible by ten, so the split
needs no stored list: training never draws such a prompt, evaluation draws only such prompts.
"""

import random
import string
import zlib

TASKS = ("add", "rev", "sort")
LETTERS = string.ascii_lowercase
LENGTHS = (4, 8)
EASY = {"add": 2, "rev": 6, "sort": 6}
SPECIALS = ("<pad>", "<s>", "</s>", "<unk>")
ALPHABET = string.digits + LETTERS + "+:="
PAD, BOS, EOS, UNK = range(len(SPECIALS))
VOCAB = {token: i for i, token in enumerate((*SPECIALS, *ALPHABET))}


def example(task: str, rng: random.Random) -> tuple[str, str]:
    """One random (prompt, answer) of a task, from either side of the split."""
    if task == "add":
        a, b = rng.randint(10, 99), rng.randint(10, 99)
        return f"add:{a}+{b}=", str(a + b)
    word = "".join(rng.choice(LETTERS) for _ in range(rng.randint(*LENGTHS)))
    if task == "rev":
        return f"rev:{word}=", word[::-1]
    if task == "sort":
        return f"sort:{word}=", "".join(sorted(word))
    raise ValueError(f"unknown task {task!r}; the tasks are {', '.join(TASKS)}")


def easy(task: str, answer: str) -> bool:
    """Whether the answer is short: a sum below a hundred, a word of at most six letters."""
    return len(answer) <= EASY[task]


def held_out(prompt: str) -> bool:
    return zlib.crc32(prompt.encode()) % 10 == 0


def train_example(task: str, rng: random.Random, hard: float = 1.0) -> tuple[str, str]:
    """A training example; the share `hard` of them is drawn from the whole task, the rest is easy."""
    whole = rng.random() < hard
    while True:
        prompt, answer = example(task, rng)
        if not held_out(prompt) and (whole or easy(task, answer)):
            return prompt, answer


def held_out_set(task: str, count: int, seed: int = 2024) -> list[tuple[str, str]]:
    """`count` different held-out examples, the same for the same seed."""
    rng = random.Random(f"{task}/{seed}")
    found: dict[str, str] = {}
    while len(found) < count:
        prompt, answer = example(task, rng)
        if held_out(prompt):
            found[prompt] = answer
    return list(found.items())
