/** A process that explores its part of a recording, and tells what it finds line by line. Argument: the file with its task. */

import { readFileSync } from 'node:fs'
import { deserialize } from 'node:v8'
import { type Exploration, explore } from './explore.ts'

const task = deserialize(readFileSync(process.argv[2] ?? '')) as Exploration
const explored = await explore({
  ...task,
  onProgress: (states, losses) => console.log(JSON.stringify({ states, losses })),
})
console.log(JSON.stringify({ explored }))
