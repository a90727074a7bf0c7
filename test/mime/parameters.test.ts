import assert from 'node:assert/strict'
import { test } from 'node:test'
import { parseParameterised } from 'mailwright/mime'
import { processorTimeOf } from '../support/processor-time.ts'

function told(text: string): Record<string, string> {
  return Object.fromEntries(parseParameterised(text).parameters)
}

test('pieces of a parameter are joined, an extended value stays in its form (RFC 2231 §3, §4.1, §6)', () => {
  assert.deepEqual(told('message/external-body; access-type=URL; URL*0="ftp://"; URL*1="cs.utk.edu/pub/x.tar"'), {
    'access-type': 'URL',
    url: 'ftp://cs.utk.edu/pub/x.tar',
  })
  assert.deepEqual(
    told("application/x-stuff; title*0*=us-ascii'en'This%20is%20even%20more%20; title*1*=%2A%2A%2Afun%2A%2A%2A%20; title*2=\"isn't it!\""),
    {
      'title*': "us-ascii'en'This%20is%20even%20more%20%2A%2A%2Afun%2A%2A%2A%20isn%27t%20it!",
    },
  )
  assert.deepEqual(told("attachment; filename*=utf-8''a%20b.txt"), { 'filename*': "utf-8''a%20b.txt" })
  assert.deepEqual(told('attachment; filename*1=b; filename*0=a'), { filename: 'ab' }, 'in any order')
})

test('pieces that do not follow on one another are told as they stand (RFC 2231 §3)', () => {
  assert.deepEqual(told('a/b; n*1=b; n*2=c'), { 'n*1': 'b', 'n*2': 'c' })
  assert.deepEqual(told('a/b; n*0=a; n*2=c'), { n: 'a', 'n*2': 'c' })
  assert.deepEqual(told('a/b; n*00=a; *0=b; n*x=c'), { 'n*00': 'a', '*0': 'b', 'n*x': 'c' })
  assert.deepEqual(told('a/b; n*0=a; n*0=evil'), { n: 'a' }, 'the first of two counts')
})

test('a file name may have spaces that somebody forgot to quote, but not eat the next parameter (RFC 2183 §2.3; RFC 7103 §7)', () => {
  assert.deepEqual(told('attachment; filename=a b.txt'), { filename: 'a b.txt' })
  assert.deepEqual(told('attachment; filename=a  b  c.txt ; size=5'), { filename: 'a  b  c.txt', size: '5' })
  assert.deepEqual(told('attachment; filename=a b.txt size=5'), { filename: 'a b.txt' })
  assert.deepEqual(told('attachment; filename=a (a comment); size=5'), { filename: 'a', size: '5' })
  assert.deepEqual(told('text/plain; charset=us-ascii nonsense'), { charset: 'us-ascii' })
})

test('a hundred thousand spaces or pieces cost no more than they are long (M3)', () => {
  const hostile = (length: number): string[] => [
    `a/b; filename=${'a '.repeat(length)}`,
    `a/b; filename=a${' '.repeat(length)}b=`,
    `a/b${Array.from({ length }, (_, at) => `;n*${at}*=x`).join('')}`,
  ]
  for (const text of hostile(100_000)) {
    const took = processorTimeOf(() => void parseParameterised(text))
    assert.ok(took < 500, `${text.slice(0, 30)}: ${took} ms`)
  }
})
