/**
 * Makes `src/bytes/line-scan-module.ts` of `src/bytes/line-scan.wat`: `node tools/wasm.ts`. What is in the repository can so be
 * read, and needs no tool to run.
 */

import { readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import wabt from 'wabt'

const folder = join(import.meta.dirname, '../src/bytes')

/** The module that the text stands for, as it lies in the sources. */
export async function lineScanModule(): Promise<string> {
  const toolkit = await wabt()
  const parsed = toolkit.parseWat('line-scan.wat', readFileSync(join(folder, 'line-scan.wat'), 'utf8'), { simd: true })
  parsed.resolveNames()
  parsed.validate()
  const { buffer } = parsed.toBinary({})
  const lines =
    Buffer.from(buffer)
      .toString('base64')
      .match(/.{1,120}/g) ?? []
  const text = lines.map(line => `  '${line}'`).join(' +\n')
  return `/** The module that \`line-scan.wat\` stands for. Made by \`node tools/wasm.ts\`. */\nexport const LINE_SCAN: string =\n${text}\n`
}

if (import.meta.main) writeFileSync(join(folder, 'line-scan-module.ts'), await lineScanModule())
