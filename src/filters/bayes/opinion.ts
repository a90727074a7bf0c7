/**
 * From how often words stood in spam and in wanted mail to one probability: each word's own, drawn towards the middle where it
 * is rare (Robinson), all of them combined by the inverse chi-square of both hypotheses (Fisher).
 */

/** How often one token was seen. */
export interface TokenCount {
  readonly token: string
  readonly spam: number
  readonly ham: number
}

/** What the words say. */
export interface Combined {
  /** 0: wanted, 1: spam, about 0.5: it cannot tell. */
  readonly probability: number
  /** The words that decided, the strongest first: with the probability that each speaks for. */
  readonly words: readonly { readonly token: string; readonly probability: number }[]
}

/**
 * How many messages a word must have been in until its own figures count as much as not knowing. With the next one chosen by the
 * measurements of `npm run bench -- bayes`: of filters that have learned little, these cry wolf least.
 */
const STRENGTH = 0.1
/** Words nearer to the middle than this say nothing. */
const LEAST_DEVIATION = 0.3
/** Fewer words than this are not believed whole: one that was seen once would decide alone. */
const ENOUGH_WORDS = 5
/** Whatever the counters say. */
const NO_WORD_IS_CERTAIN = 1e-5
/** Words that decide; more of them only make it surer of itself. */
const MOST_WORDS = 150

/** Combines counts, given how many messages of each kind were learned (at least one each). */
export function combine(counts: Iterable<TokenCount>, learned: { readonly spam: number; readonly ham: number }): Combined {
  const words: { token: string; probability: number }[] = []
  for (const { token, spam, ham } of counts) {
    const seen = spam + ham
    if (seen === 0) continue
    const inSpam = Math.min(1, spam / learned.spam)
    const inHam = Math.min(1, ham / learned.ham)
    const own = inSpam / (inSpam + inHam)
    const drawn = (STRENGTH * 0.5 + seen * own) / (STRENGTH + seen)
    const probability = Math.min(1 - NO_WORD_IS_CERTAIN, Math.max(NO_WORD_IS_CERTAIN, drawn))
    if (Math.abs(probability - 0.5) >= LEAST_DEVIATION) words.push({ token, probability })
  }
  words.sort((a, b) => Math.abs(b.probability - 0.5) - Math.abs(a.probability - 0.5))
  words.length = Math.min(words.length, MOST_WORDS)
  if (words.length === 0) return { probability: 0.5, words }
  let forSpam = 0
  let forHam = 0
  for (const { probability } of words) {
    forSpam -= 2 * Math.log(1 - probability)
    forHam -= 2 * Math.log(probability)
  }
  const spamminess = 1 - inverseChiSquare(forSpam, words.length)
  const hamminess = 1 - inverseChiSquare(forHam, words.length)
  const belief = Math.min(1, words.length / ENOUGH_WORDS)
  const probability = 0.5 + (belief * (spamminess - hamminess)) / 2
  return { probability: Math.min(1, Math.max(0, probability)), words }
}

/** Probability that a chi-square with `2 * pairs` degrees of freedom is at least `value`. */
function inverseChiSquare(value: number, pairs: number): number {
  const half = value / 2
  let term = Math.exp(-half)
  let sum = term
  for (let n = 1; n < pairs; n++) {
    term *= half / n
    sum += term
  }
  return Math.min(1, sum)
}
