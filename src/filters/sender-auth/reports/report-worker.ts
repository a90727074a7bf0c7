/** The thread that reads one report: ten megabytes of somebody's XML must not keep the one that serves. M5, S18. */

import { parentPort, workerData } from 'node:worker_threads'
import { readDmarcReport } from './read-report.ts'

parentPort?.postMessage(workerData instanceof Uint8Array ? readDmarcReport(workerData) : undefined)
