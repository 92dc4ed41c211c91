// How far a mean over an evaluator's sequences may be from that over all sequences of the task: its
// standard error, where it follows from the mean itself.

import { fixed, grouped } from "../common/format.js";

/** Zeros and ones: their variance is p (1 - p). */
const SHARES = new Set(["accuracy", "in_context_accuracy"]);
/** The least that one sequence can have; the most is 1. A loss has no most, so nothing is known of it. */
const LEAST = {
  accuracy: 0, in_context_accuracy: 0, correct_probability: 0, context_probability: 0,
  induction_strength: -1, previous_token_strength: -1,
};

/**
 * The standard error of a mean of `count` numbers between `least` and 1, or the largest that it can
 * be: their variance is at most (1 - mean) (mean - least), and that if all lie at the ends
 * (Bhatia and Davis 2000).
 */
export function largestError(mean, least, count) {
  return Math.sqrt(Math.max(0, (1 - mean) * (mean - least)) / count);
}

/** What is said of a measure's number; nothing where nothing is known, and of none in a thousand. */
export function errorText(measure, mean, count) {
  if (!(measure in LEAST) || !Number.isFinite(mean)) return "";
  const error = fixed(largestError(mean, LEAST[measure], count));
  if (error === fixed(0)) return ""; // 1,000 right ones of 1,000 do not say that all are
  return `standard error ${SHARES.has(measure) ? "" : "at most "}${error}, ${grouped(count)} sequences`;
}
