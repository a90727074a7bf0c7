/** `package.json`, as far as the house rules read it. */
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { root } from './tree.ts'

/** Where one public subpath leads: from the sources, for types, and when installed. */
export interface Door {
  readonly 'mailwright-source': string
  readonly types: string
  readonly default: string
}

/** The fields that the rules read. */
export interface Manifest {
  readonly version: string
  readonly exports: Readonly<Record<string, Door | string>>
  readonly dependencies: Readonly<Record<string, string>>
  readonly scripts: Readonly<Record<string, string>>
}

/** The manifest of this package. */
export const manifest: Manifest = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8')) as Manifest
