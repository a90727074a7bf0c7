/** Reports of other servers: read from their mail, told, and kept. RFC 9990 §3.5.2; RFC 8460 §5.3. */

import type { EventSink, MailAddress, Middleware, ReceivedReport } from '../contracts/index.ts'
import { dmarcReports } from '../filters/sender-auth/index.ts'
import { printAddress } from '../mime/index.ts'
import { worldOf } from './options.ts'
import type { MailServerOptions } from './options.ts'

/** The middleware that reads them; none without the option. Throws `ConfigurationError` for addresses that are none. */
export function reportsIntake(options: MailServerOptions, events: EventSink): readonly Middleware[] {
  const { reports } = options
  if (reports === undefined) return []
  const { clock } = worldOf(options)
  const took = (received: ReceivedReport): void => {
    reports.archive?.keep(received)
    events.emit('report', received)
  }
  const written = (sender: MailAddress | undefined): string => (sender === undefined ? '' : printAddress(sender))
  return [
    dmarcReports({
      addresses: reports.addresses,
      clock,
      onReport: (report, { sender }) => took({ kind: 'dmarc', at: clock.now(), sender: written(sender), report }),
      onTlsReport: (report, { sender }) => took({ kind: 'tls', at: clock.now(), sender: written(sender), report }),
    }),
  ]
}
