/** Bugs to be sown in the memory queue. */

/** One change to a file of `src/outbound/queue`. */
export interface QueueBug {
  /** What is wrong, as an operator would see it. */
  readonly name: string
  readonly file: 'memory-queue.ts' | 'memory-message.ts' | 'memory-lanes.ts' | 'check.ts' | 'times.ts' | 'selector.ts'
  /** Text that stands in the file exactly once. */
  readonly line: string
  readonly broken: string
}

const queue = 'memory-queue.ts'
const message = 'memory-message.ts'
const lanes = 'memory-lanes.ts'

const leasing: readonly QueueBug[] = [
  {
    name: 'what is leased is leased again (double lease)',
    file: queue,
    line: "{ state: 'leased', token, dueAt: now + request.leaseMs }",
    broken: "{ state: 'waiting', token, dueAt: now + request.leaseMs - request.leaseMs }",
  },
  {
    name: 'a lease never runs out',
    file: queue,
    line: "if (recipient.state === 'leased' && recipient.dueAt <= this.#now()) recipient.state = 'waiting'",
    broken: '',
  },
  {
    name: 'the heartbeat changes nothing',
    file: queue,
    line: "for (const recipient of mine) Object.assign(recipient, { state: 'leased', dueAt: until })",
    broken: 'void until',
  },
  {
    name: 'the heartbeat prolongs from the end of the lease instead of from now',
    file: queue,
    line: "Object.assign(recipient, { state: 'leased', dueAt: until })",
    broken: "Object.assign(recipient, { state: 'leased', dueAt: recipient.dueAt + leaseMs + until - until })",
  },
  {
    name: 'a frozen worker’s token still counts (token not fenced)',
    file: queue,
    line: 'filter(recipient => recipient.token === token)',
    broken: "filter(recipient => recipient.token === token || (token !== '' && recipient.state === 'leased'))",
  },
  {
    name: 'the token of a lease that ran out is void before anybody else leased',
    file: queue,
    line: "if (recipient.state === 'leased' && recipient.dueAt <= this.#now()) recipient.state = 'waiting'",
    broken:
      "if (recipient.state === 'leased' && recipient.dueAt <= this.#now()) Object.assign(recipient, { state: 'waiting', token: undefined })",
  },
  {
    name: 'a lease that ran out counts as a try',
    file: queue,
    line: "if (recipient.state === 'leased' && recipient.dueAt <= this.#now()) recipient.state = 'waiting'",
    broken: "if (recipient.state === 'leased' && recipient.dueAt <= this.#now()) { recipient.state = 'waiting'; recipient.attempts++ }",
  },
  {
    name: 'what is not due yet is leased',
    file: queue,
    line: '&& recipient.dueAt <= now)',
    broken: '&& recipient.dueAt <= now + 1)',
  },
  {
    name: 'destinations that are left out are leased all the same',
    file: queue,
    line: '[destination, Infinity]',
    broken: '[destination, 0]',
  },
  {
    name: 'the limit for one destination is ignored',
    file: queue,
    line: 'request.perDestination ?? request.limit',
    broken: 'request.limit',
  },
  {
    name: 'more than 100 recipients come in one lease',
    file: queue,
    line: 'request.recipientsPerLease ?? 100',
    broken: 'request.recipientsPerLease ?? 1000',
  },
  {
    name: 'all recipients of a message come in one lease, whatever their domain',
    file: message,
    line: 'destination: destinationOf(given.address),',
    broken: "destination: destinationOf(message.recipients[0]?.address ?? ''),",
  },
  {
    name: 'the queue does not say when a lease runs out',
    file: queue,
    line: "if (!this.#isFree(message, recipient) && recipient.state !== 'leased') continue",
    broken: 'if (!this.#isFree(message, recipient)) continue',
  },
]

const settling: readonly QueueBug[] = [
  {
    name: 'a settlement is lost',
    file: queue,
    line: "if (outcome.kind !== 'deferred') recipient.state = outcome.kind",
    broken: "if (outcome.kind !== 'deferred') recipient.state = outcome.kind === 'failed' ? 'failed' : 'waiting'",
  },
  {
    name: 'a bounce is lost',
    file: queue,
    line: '      for (const [at, { about, token }] of notifications.entries()) {',
    broken: '      for (const [at, { about, token }] of notifications.slice(1).entries()) {',
  },
  {
    name: 'a bounce is sent though the lease was lost',
    file: queue,
    line: 'kept !== undefined && !unwanted',
    broken: 'kept !== undefined && (!unwanted || token === undefined)',
  },
  {
    name: 'one lost lease takes the bounce of another with it',
    file: queue,
    line: '(token === undefined ? one.id === about : one.token === token)',
    broken: '(one.id === about || one.token === token)',
  },
  {
    name: 'a settlement stands though its bounce cannot be queued',
    file: queue,
    line: '      for (const { message } of notifications) checkMessage(message)\n',
    broken:
      '      for (const settlement of settlements) this.#settleOne(settlement)\n      for (const { message } of notifications) checkMessage(message)\n',
  },
  {
    name: 'recipients that a settlement leaves out stay leased',
    file: queue,
    line: "if (recipient.state !== 'held') Object.assign(recipient, { state: 'waiting', dueAt: now })",
    broken: '',
  },
  {
    name: 'recipients that a settlement leaves out count as tried',
    file: queue,
    line: "if (recipient.state !== 'held') Object.assign(recipient, { state: 'waiting', dueAt: now })",
    broken: "if (recipient.state !== 'held') Object.assign(recipient, { state: 'waiting', dueAt: now, attempts: recipient.attempts + 1 })",
  },
  {
    name: 'tries are not counted',
    file: queue,
    line: 'recipient.attempts++',
    broken: 'recipient.attempts = 1',
  },
  {
    name: 'what was not tried counts as a try',
    file: queue,
    line: "if (outcome.kind !== 'deferred' || outcome.untried !== true) recipient.attempts++",
    broken: 'recipient.attempts++',
  },
  {
    name: 'a warning that was given is forgotten at the next try',
    file: queue,
    line: 'recipient.warned ||= outcome.warned === true',
    broken: 'recipient.warned = outcome.warned === true',
  },
  {
    name: 'the content of what is settled is kept',
    file: queue,
    line: 'message.octets = undefined',
    broken: 'void message',
  },
  {
    name: 'the content goes with the first recipient that is settled',
    file: queue,
    line: 'if (message.settledAt !== undefined || isOpen(message)) return',
    broken: 'message.octets = undefined\n    if (message.settledAt !== undefined || isOpen(message)) return',
  },
  {
    name: 'settled messages are forgotten at once',
    file: queue,
    line: 'if (settledAt === undefined || settledAt > before) continue',
    broken: 'if (settledAt === undefined || settledAt > before + this.limits.rememberMs) continue',
  },
  {
    name: 'messages are forgotten by their age, settled or not',
    file: queue,
    line: 'for (const { id, settledAt, key } of this.#messages.values()) {',
    broken: 'for (const { id, key, envelope: { queuedAt: settledAt } } of this.#messages.values()) {',
  },
]

const arriving: readonly QueueBug[] = [
  {
    name: 'idempotency keys are one for all accounts',
    file: message,
    line: 'JSON.stringify([account, idempotencyKey])',
    broken: 'JSON.stringify([account.length * 0, idempotencyKey])',
  },
  {
    name: 'an idempotency key is looked up before the content was read, so that two at once are both queued',
    file: queue,
    line: '      const kept = await keptOf(message, this.limits, this.#now())\n      options?.signal?.throwIfAborted()\n      const known = kept.key === undefined ? undefined : this.#keys.get(kept.key)',
    broken:
      "      const key = JSON.stringify([message.account ?? '', message.idempotencyKey])\n      const known = message.idempotencyKey === undefined ? undefined : this.#keys.get(key)\n      const kept = await keptOf(message, this.limits, this.#now())\n      options?.signal?.throwIfAborted()",
  },
  {
    name: 'a key outlives its message for ever',
    file: queue,
    line: 'if (key !== undefined) this.#keys.delete(key)',
    broken: 'void key',
  },
  {
    name: 'the content is the caller’s own array',
    file: message,
    line: '  octets.set(read, prefix.length)\n',
    broken:
      '  octets.set(read, prefix.length)\n  if (prefix.length === 0) return { ...(await keptOf({ ...message, prefix: new Uint8Array([32]) }, limits, now)), octets: read, size: read.length }\n',
  },
  {
    name: 'the prefix is lost',
    file: message,
    line: '  octets.set(prefix)\n',
    broken: '',
  },
  {
    name: 'a sender’s moment of release is ignored',
    file: message,
    line: 'dueWithin(Math.max(now, message.notBefore ?? 0), now, envelope)',
    broken: 'dueWithin(now, now, envelope)',
  },
  {
    name: 'the lifetime of what is sent later begins at once',
    file: 'times.ts',
    line: 'Math.max(now, message.notBefore ?? 0) + limits.lifetimeMs',
    broken: 'now + limits.lifetimeMs',
  },
  {
    name: 'a recipient sleeps beyond the expiry of its message',
    file: 'times.ts',
    line: 'for (const deadline of [expiresAt, deliverBy?.at])',
    broken: 'for (const deadline of [deliverBy?.at, expiresAt - expiresAt])',
  },
  {
    name: 'what expired and is put off is due at once, for ever',
    file: 'times.ts',
    line: 'deadline > now && ',
    broken: '',
  },
  {
    name: 'line ends in addresses are taken',
    file: 'check.ts',
    line: 'const CONTROL = /[\\u0000-\\u001f',
    broken: 'const CONTROL = /[\\u0000-\\u0008\\u000e-\\u001f',
  },
  {
    name: 'a full queue takes more',
    file: queue,
    line: 'if (open >= this.limits.maxMessages)',
    broken: 'if (open > this.limits.maxMessages)',
  },
  {
    name: 'settled messages fill the queue',
    file: queue,
    line: '[...this.#messages.values()].filter(isOpen).length',
    broken: 'this.#messages.size',
  },
]

const steering: readonly QueueBug[] = [
  {
    name: 'a pause of a destination is none',
    file: queue,
    line: '!this.#pauses.has(`destination ${recipient.destination}`) &&',
    broken: '',
  },
  {
    name: 'a pause of an account is none',
    file: queue,
    line: '!this.#pauses.has(`account ${account}`)',
    broken: 'account !== undefined',
  },
  {
    name: 'the end of one pause ends all',
    file: queue,
    line: "this.#pauses.delete(pauseOf(rule).join(' '))",
    broken: "if (pauseOf(rule).join(' ') !== '') this.#pauses.clear()",
  },
  {
    name: 'what is released waits for its old moment',
    file: queue,
    line: "Object.assign(recipient, { state: 'waiting', dueAt: this.#now() })",
    broken: "Object.assign(recipient, { state: 'waiting' })",
  },
  {
    name: 'leases on removed recipients still count',
    file: queue,
    line: "Object.assign(recipient, { state: 'removed', token: undefined })",
    broken: "Object.assign(recipient, { state: 'removed' })",
  },
  {
    name: 'hold takes what is leased too',
    file: queue,
    line: "if (recipient.state !== 'waiting') return false\n      recipient.state = 'held'",
    broken: "if (recipient.state === 'held') return false\n      recipient.state = 'held'",
  },
  {
    name: 'a selector means any of its parts',
    file: 'selector.ts',
    line: '(selector.destination === undefined || selector.destination === destinationOf(recipient.address)) &&',
    broken:
      '(selector.destination === undefined || selector.recipient !== undefined || selector.destination === destinationOf(recipient.address)) &&',
  },
  {
    name: 'a sender is matched by its beginning',
    file: 'selector.ts',
    line: 'selector.from === envelope.from',
    broken: 'envelope.from.startsWith(selector.from)',
  },
  {
    name: 'listeners are not called after a release',
    file: queue,
    line: '      this.#tell()\n      return count\n',
    broken: '      return count\n',
  },
  {
    name: 'a listener that stopped is called',
    file: queue,
    line: 'return () => void this.#listeners.delete(listener)',
    broken: 'return () => undefined',
  },
]

const taking: readonly QueueBug[] = [
  {
    name: 'priority is ignored',
    file: lanes,
    line: 'if (one.priority !== other.priority) return one.priority > other.priority',
    broken: '',
  },
  {
    name: 'lowest priority leaves first',
    file: lanes,
    line: 'return one.priority > other.priority',
    broken: 'return one.priority < other.priority',
  },
  {
    name: 'first come, first served: one sender of much stands before all others (unfair order)',
    file: lanes,
    line: 'return one.share === other.share ? turn(one.name) < turn(other.name) : turn(one.share) < turn(other.share)',
    broken: 'void turn\n    return (one.jobs[0]?.due ?? 0) < (other.jobs[0]?.due ?? 0)',
  },
  {
    name: 'turns go by destination only: an account with many has more',
    file: lanes,
    line: 'return one.share === other.share ? turn(one.name) < turn(other.name) : turn(one.share) < turn(other.share)',
    broken: 'return turn(one.name) < turn(other.name)',
  },
  {
    name: 'turns go by account only: its destinations do not take turns',
    file: lanes,
    line: 'else this.#stand([next.share, next.name])',
    broken: 'else this.#stand([next.share])',
  },
  {
    name: 'turns are forgotten from call to call',
    file: lanes,
    line: '    const lanes = this.#line(jobs)\n',
    broken: '    this.#turns.clear()\n    const lanes = this.#line(jobs)\n',
  },
  {
    name: 'what fell due last leaves first',
    file: lanes,
    line: '(one, other) => one.due - other.due',
    broken: '(one, other) => other.due - one.due',
  },
]

/** All of them. */
export const queueBugs: readonly QueueBug[] = [...leasing, ...settling, ...arriving, ...steering, ...taking]
