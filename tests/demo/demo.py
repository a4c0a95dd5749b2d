"""Scores the words of a sentence: C (words.c) goes through them and calls score() for each."""
import words


def score(word, vowel=3):
    points = 0
    for letter in word:
        points += vowel if letter in "aeiou" else 1
    return points


print("the sentence scores", words.total("what does an opcode cost", score))
