/** Which function does which task of the queue. */

import { enqueue } from './queue-enqueue.ts'
import { lease } from './queue-lease.ts'
import { renew, settle } from './queue-settle.ts'
import { forget, setPause, steer } from './queue-steer.ts'
import type { QueueTask } from './queue-task.ts'
import type { StagedContent } from './segment-writer.ts'
import type { WriteContext } from './write-context.ts'

/** Does a task within the transaction that is open. */
export function runQueueTask(context: WriteContext, task: QueueTask, contents: readonly StagedContent[]): unknown {
  switch (task.kind) {
    case 'enqueue':
      return enqueue(context, task, contents)
    case 'lease':
      return lease(context, task)
    case 'renew':
      return renew(context, task)
    case 'settle':
      return settle(context, task, contents)
    case 'hold':
    case 'release':
    case 'retry':
    case 'remove':
      return steer(context, task)
    case 'pause':
    case 'resume':
      return setPause(context, task)
    case 'forget':
      return forget(context, task)
    case 'suppress': {
      const { address, reason, since, text } = task.entry
      context.sql.run(
        'INSERT OR REPLACE INTO suppression (address, reason, since, text) VALUES (?, ?, ?, ?)',
        address,
        reason,
        since,
        text ?? null,
      )
      return undefined
    }
    case 'unsuppress':
      context.sql.run('DELETE FROM suppression WHERE address = ?', task.address)
      return undefined
  }
}
