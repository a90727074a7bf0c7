/** Typed events for the host: the one place that knows the emitter. Contract: `contracts/events.ts`. */

import { EventEmitter } from 'eventemitter3'
import type { EventSink, MailEvents } from '../contracts/index.ts'

type Listener<Name extends keyof MailEvents> = (event: Parameters<MailEvents[Name]>[0]) => void

/** Hands events to listeners; what one listener throws neither stops the mail nor the other listeners. */
export class EventHub implements EventSink {
  readonly #emitter = new EventEmitter<string>()

  /** Listens until the function it answers is called. */
  on<Name extends keyof MailEvents>(name: Name, listener: Listener<Name>): () => void {
    const guarded = (event: Parameters<MailEvents[Name]>[0]): void => {
      try {
        listener(event)
      } catch (error) {
        if (name === 'error') unheard(error, 'a listener of the error event')
        else this.emit('error', { error, where: `a listener of the ${name} event` })
      }
    }
    this.#emitter.on(name, guarded)
    return () => {
      this.#emitter.off(name, guarded)
    }
  }

  emit<Name extends keyof MailEvents>(name: Name, event: Parameters<MailEvents[Name]>[0]): void {
    if (this.#emitter.emit(name, event) || name !== 'error') return
    const { error, where } = event as Parameters<MailEvents['error']>[0]
    unheard(error, where)
  }
}

/** A bug that nobody listens for must not vanish. */
function unheard(error: unknown, where: string): void {
  console.error(`mailwright: error in ${where}:`, error)
}
