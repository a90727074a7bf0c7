/** One of several processes that write to the same directory; tells how many of the contested addresses it got. */
import { MailError } from 'mailwright/contracts'
import { sqliteDirectory } from 'mailwright/directories/sqlite'

const [, , path = '', letter = ''] = process.argv
const directory = sqliteDirectory({ path, busyTimeout: 10_000 })
await directory.addDomain('example.org')
let taken = 0
for (let index = 0; index < 20; index++) {
  try {
    await directory.addAccount({ address: `contested${index}@example.org` })
    taken++
  } catch (error) {
    if (!(error instanceof MailError) || error.kind !== 'already-exists') throw error
  }
  if (index % 2 === 0) await directory.addAccount({ address: `${letter}${index}@example.org` })
}
directory.close()
process.send?.(taken)
