/** Which fields a signature covers, and which it forbids to be added later. RFC 6376 §5.4, §8.15. */

import type { SignableField } from '../../dkim/index.ts'

/**
 * Listed once more than there are: another one breaks the signature (S16). What a reader sees or a program acts upon, and what
 * nobody on the way has reason to add.
 */
const FORBIDDEN_TO_ADD: readonly string[] = [
  'From',
  'To',
  'Cc',
  'Subject',
  'Date',
  'Message-ID',
  'Content-Type',
  'MIME-Version',
  'Reply-To',
]

/** Listed as often as there are: others may add theirs (lists, resenders). */
const SIGNED: readonly string[] = [
  'Sender',
  'In-Reply-To',
  'References',
  'Content-Transfer-Encoding',
  'Content-Disposition',
  'Content-Language',
  'Content-ID',
  'Auto-Submitted',
  'Feedback-ID',
  'Importance',
  'Priority',
  'Sensitivity',
  'Organization',
  'Autocrypt',
  'OpenPGP',
  'Disposition-Notification-To',
  'List-Id',
  'List-Help',
  'List-Unsubscribe',
  'List-Unsubscribe-Post',
  'List-Subscribe',
  'List-Post',
  'List-Owner',
  'List-Archive',
  'TLS-Required',
]

/** Names for `h=`, in order: those forbidden to add first. `more`: further names of fields that are signed where present. */
export function namesToSign(fields: readonly SignableField[], more: readonly string[] = []): readonly string[] {
  const counts = new Map<string, number>()
  for (const { key } of fields) counts.set(key, (counts.get(key) ?? 0) + 1)
  const listed = new Set<string>()
  const names: string[] = []
  const list = (name: string, extra: number): void => {
    const key = name.toLowerCase()
    if (listed.has(key)) return
    listed.add(key)
    for (let left = (counts.get(key) ?? 0) + extra; left > 0; left--) names.push(name)
  }
  for (const name of FORBIDDEN_TO_ADD) list(name, 1)
  for (const name of [...SIGNED, ...more]) list(name, 0)
  return names
}
