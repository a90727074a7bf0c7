import assert from 'node:assert/strict'
import { spawnSync } from 'node:child_process'
import { readFileSync } from 'node:fs'
import { test } from 'node:test'
import { generateKey, type Canonicalization, type GeneratedKey } from 'mailwright/dkim'
import { seededRandom, type SeededRandom } from 'mailwright/testing'
import { latin1Bytes, latin1Text } from '../../src/bytes/index.ts'
import { findProgram, requireProgram } from '../support/programs.ts'
import { changed, oddBody, oddHeader, signedMessage, verdicts } from './messages.ts'

const keys: readonly [GeneratedKey, GeneratedKey] = [await generateKey('rsa'), await generateKey('ed25519')]
const records: Readonly<Record<string, string>> = {
  'rsa._domainkey.example.org': keys[0].record,
  'ed25519._domainkey.example.org': keys[1].record,
}
const canonicalizations: readonly [Canonicalization, Canonicalization] = ['simple', 'relaxed']
/**
 * What a message on the wire is, on which verifiers agree: fields are fields, every line ends with CRLF, the last one too. (Beyond
 * it they differ from one to the next: white space before the colon, a bare CR, a last line without an end.)
 */
const onWire = /^(?:[\u0021-\u0039\u003b-\u007e]+:[^\r\n]*\r\n(?:[ \t][^\r\n]*\r\n)*)+\r\n(?:[^\r\n]*\r\n)*$/

function wireMessage(random: SeededRandom): string {
  const header = oddHeader(random).replaceAll(/^([\w-]+) :/gm, '$1:')
  const body = oddBody(random).replaceAll(/\r(?!\n)/g, '')
  return `${header}Date: Fri, 11 Jul 2003 21:00:37 -0700\r\n\r\n${body === '' || body.endsWith('\r\n') ? body : `${body}\r\n`}`
}

/** Signed messages, every second one changed on its way, with our verdicts. */
async function corpus(kinds: readonly [GeneratedKey, ...GeneratedKey[]], count: number): Promise<{ message: Uint8Array; pass: boolean }[]> {
  const random = seededRandom(8463)
  const messages: { message: Uint8Array; pass: boolean }[] = []
  while (messages.length < count) {
    const plain = latin1Bytes(wireMessage(random))
    const names = ['From', 'From', 'Subject', 'Subject', 'To', 'Date', 'Message-ID', 'X-Odd', 'Received'].slice(0, 1 + random.below(9))
    const signed = signedMessage(plain, random.pick(kinds), names, random.pick(canonicalizations), random.pick(canonicalizations))
    const message = messages.length % 2 === 0 ? signed : changed(signed, random)
    if (!onWire.test(latin1Text(message))) continue
    const [verdict] = await verdicts(message, records)
    messages.push({ message, pass: verdict?.result === 'pass' })
  }
  return messages
}

function judged(program: string, args: readonly string[], messages: readonly { message: Uint8Array }[]): string[] {
  const input = JSON.stringify({ records, messages: messages.map(({ message }) => Buffer.from(message).toString('base64')) })
  const { stdout, stderr, status } = spawnSync(program, args, { input, encoding: 'utf8', maxBuffer: 1 << 26, timeout: 120_000 })
  assert.equal(status, 0, stderr)
  return stdout.trim().split('\n')
}

function agree(who: string, verdictsThere: readonly string[], messages: readonly { message: Uint8Array; pass: boolean }[]): void {
  assert.equal(verdictsThere.length, messages.length)
  const differ = messages.filter(({ pass }, index) => pass !== (verdictsThere[index] === 'pass'))
  console.log(
    `${who} and we: ${messages.length} messages, ${messages.filter(({ pass }) => pass).length} pass here, ${differ.length} judged differently`,
  )
  for (const { message, pass } of differ.slice(0, 5)) console.log(pass, JSON.stringify(Buffer.from(message).toString('latin1')))
  assert.equal(differ.length, 0)
}

const DKIMPY = `
import sys, json, base64, logging, dkim
logging.disable(logging.CRITICAL)
given = json.load(sys.stdin)
def lookup(name, timeout=5):
    name = name.decode() if isinstance(name, bytes) else name
    record = given['records'].get(name.rstrip('.'))
    return record.encode() if record else None
for message in given['messages']:
    try:
        print('pass' if dkim.verify(base64.b64decode(message), dnsfunc=lookup) else 'fail')
    except Exception as error:
        print('error', error)
`

test(
  'dkimpy judges our signatures, RSA and Ed25519, as we do (RFC 6376 §6.1; RFC 8463 §3)',
  { skip: requireProgram('dkimverify') },
  async () => {
    const [interpreter = ''] = /^#!(\S+)/.exec(readFileSync(findProgram('dkimverify') ?? '', 'utf8'))?.slice(1) ?? []
    const messages = await corpus(keys, 300)
    agree('dkimpy', judged(interpreter, ['-c', DKIMPY], messages), messages)
  },
)

const MAIL_DKIM = `
use strict; use JSON::PP; use MIME::Base64; use Mail::DKIM::Verifier; use Mail::DKIM::DNS; use Net::DNS;
my $given = decode_json(do { local $/; <STDIN> });
no warnings 'redefine';
*Mail::DKIM::DNS::query = sub {
  my ($name) = @_; my $record = $given->{records}{$name};
  return defined $record ? Net::DNS::RR->new(owner => $name, type => 'TXT', txtdata => [$record =~ /(.{1,255})/gs]) : ();
};
for my $message (@{$given->{messages}}) {
  my $verifier = Mail::DKIM::Verifier->new();
  $verifier->PRINT(decode_base64($message)); $verifier->CLOSE;
  print $verifier->result, "\\n";
}
`

test('Mail::DKIM judges our RSA signatures as we do (RFC 6376 §6.1)', { skip: requireProgram('dkimproxy-verify') }, async () => {
  const messages = await corpus([keys[0]], 300)
  agree('Mail::DKIM', judged('perl', ['-e', MAIL_DKIM], messages), messages)
})
