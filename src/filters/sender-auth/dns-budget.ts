/** What one message may ask of DNS: so many questions, so much time, and a share for each check so that none starves another. S17, S30. */

import { MailError } from '../../contracts/index.ts'
import type { Answer, Resolver } from '../../contracts/index.ts'

/** Who asks. */
export type Share = 'dmarc' | 'spf' | 'dkim' | 'arc' | 'iprev' | 'bimi'

/**
 * The most that each may ask. Together they are a little more than a message has (60): SPF and DKIM of honest mail ask for less than
 * ten. What DMARC is promised is kept back from the others, or a stranger's endless SPF record would hide the policy of who is
 * spoofed; and the rest leaves a few for DKIM, whose first signatures are the author's own.
 */
const MOST: Readonly<Record<Share, number>> = { dmarc: 24, spf: 20, dkim: 10, arc: 6, iprev: 5, bimi: 2 }

/** Counts the questions of one message. The same question is asked once, whoever asks. */
export class DnsBudget {
  readonly #resolver: Resolver
  readonly #signal: AbortSignal
  readonly #most: number
  readonly #answers = new Map<string, Promise<Answer<unknown>>>()
  readonly #spent: Record<Share, number> = { dmarc: 0, spf: 0, dkim: 0, arc: 0, iprev: 0, bimi: 0 }
  #asked = 0

  constructor(resolver: Resolver, signal: AbortSignal, most: number) {
    this.#resolver = resolver
    this.#signal = signal
    this.#most = most
  }

  /** Questions that were asked of the resolver. */
  get asked(): number {
    return this.#asked
  }

  /** The resolver for one check; throws `unavailable` when its share or the whole is used up, or the time is over. */
  share(share: Share): Resolver {
    const ask = <T>(key: string, question: (resolver: Resolver) => Promise<Answer<T>>): Promise<Answer<T>> =>
      this.#ask(share, key, question)
    return {
      a: name => ask(`a ${name}`, resolver => resolver.a(name, { signal: this.#signal })),
      aaaa: name => ask(`aaaa ${name}`, resolver => resolver.aaaa(name, { signal: this.#signal })),
      mx: name => ask(`mx ${name}`, resolver => resolver.mx(name, { signal: this.#signal })),
      txt: name => ask(`txt ${name}`, resolver => resolver.txt(name, { signal: this.#signal })),
      ptr: address => ask(`ptr ${address}`, resolver => resolver.ptr(address, { signal: this.#signal })),
      cname: name => ask(`cname ${name}`, resolver => resolver.cname(name, { signal: this.#signal })),
      tlsa: name => ask(`tlsa ${name}`, resolver => resolver.tlsa(name, { signal: this.#signal })),
    }
  }

  #ask<T>(share: Share, key: string, question: (resolver: Resolver) => Promise<Answer<T>>): Promise<Answer<T>> {
    const known = this.#answers.get(key)
    if (known !== undefined) return known as Promise<Answer<T>>
    const kept = share === 'dmarc' ? 0 : Math.max(0, Math.min(MOST.dmarc, this.#most / 2) - this.#spent.dmarc)
    if (this.#signal.aborted) return Promise.reject(new MailError('unavailable', 'the time for DNS is over'))
    if (this.#spent[share] >= MOST[share] || this.#asked + kept >= this.#most)
      return Promise.reject(new MailError('unavailable', `${share} asks too many questions of DNS`))
    this.#spent[share]++
    this.#asked++
    const answer = this.#unlessLate(question(this.#resolver))
    this.#answers.set(key, answer)
    return answer
  }

  /** A resolver that does not mind the signal must not hold a message up. */
  #unlessLate<T>(answer: Promise<Answer<T>>): Promise<Answer<T>> {
    return new Promise((resolve, reject) => {
      const late = (): void => reject(new MailError('unavailable', 'DNS did not answer in time'))
      this.#signal.addEventListener('abort', late, { once: true })
      answer.then(resolve, reject).finally(() => this.#signal.removeEventListener('abort', late))
    })
  }
}
