import assert from 'node:assert/strict'
import { createPrivateKey, createPublicKey } from 'node:crypto'
import { test } from 'node:test'
import { keyRecordText, parseKeyRecord } from 'mailwright/dkim'
import { hashOf, octets, verdicts } from './messages.ts'

const MESSAGE = `From: Joe SixPack <joe@football.example.com>
To: Suzie Q <suzie@shopping.example.net>
Subject: Is dinner ready?
Date: Fri, 11 Jul 2003 21:00:37 -0700 (PDT)
Message-ID: <20030712040037.46341.5F8J@football.example.com>

Hi.

We lost the game.  Are you hungry yet?

Joe.
`

const ED25519 = `DKIM-Signature: v=1; a=ed25519-sha256; c=relaxed/relaxed;
 d=football.example.com; i=@football.example.com;
 q=dns/txt; s=brisbane; t=1528637909; h=from : to :
 subject : date : message-id : from : subject : date;
 bh=2jUSOH9NhtVGCQWNr9BrIAPreKQjO6Sn7XIkfJVOzv8=;
 b=/gCrinpcQOoIfuHNQIbq4pgh9kyIK3AQUdt9OdqQehSwhEIug4D11Bus
 Fa3bT3FY5OsU7ZbnKELq+eXdp1Q1Dw==
`

const RSA = `DKIM-Signature: v=1; a=rsa-sha256; c=relaxed/relaxed;
 d=football.example.com; i=@football.example.com;
 q=dns/txt; s=test; t=1528637909; h=from : to : subject :
 date : message-id : from : subject : date;
 bh=2jUSOH9NhtVGCQWNr9BrIAPreKQjO6Sn7XIkfJVOzv8=;
 b=F45dVWDfMbQDGHJFlXUNB2HKfbCeLRyhDXgFpEL8GwpsRe0IeIixNTe3
 DhCVlUrSjV4BwcVcOF6+FF3Zo9Rpo1tFOeS9mPYQTnGdaSGsgeefOsk2Jz
 dA+L10TeYt9BgDfQNZtKdN1WO//KgIqXP7OdEFE4LjFYNcUxZQ4FADY+8=
`

const RECORDS = {
  'brisbane._domainkey.football.example.com': 'v=DKIM1; k=ed25519; p=11qYAYKxCrfVS/7TyWQHOg7hcvPapiMlrwIaaPcHURo=',
  'test._domainkey.football.example.com':
    'v=DKIM1; k=rsa; p=MIGfMA0GCSqGSIb3DQEBAQUAA4GNADCBiQKBgQDkHlOQoBTzWRiGs5V6NpP3idY6Wk08a5qhdR6wy5bdOKb2jLQiY/J16JYi0Qvx/byYzCNb3W91y3FutACDfzwQ/BC/e/8uBsCR+yz1Lxj+PL6lHvqMKrM3rG4hstT5QjvHO9PzoxZyVYLzBfO2EeC3Ip3G+2kryOTIKT+l/K4w3QIDAQAB',
}

test('both signatures of the example pass, and each stands for itself (RFC 8463 §A.3)', async () => {
  const both = await verdicts(octets(ED25519 + RSA + MESSAGE), RECORDS)
  assert.deepEqual(
    both.map(({ result, keyBits, unsignedOctets }) => [result, keyBits, unsignedOctets]),
    [
      ['pass', 256, 0],
      ['pass', 1024, 0],
    ],
  )
  const [rsa] = await verdicts(octets(RSA + MESSAGE), {
    'test._domainkey.football.example.com': RECORDS['test._domainkey.football.example.com'],
  })
  assert.equal(rsa?.result, 'pass')
})

test('one octet more or less is noticed, in the body, in the header, and a second Subject too (RFC 6376 §6.1.3)', async () => {
  const changed = async (from: string, to: string): Promise<(string | undefined)[]> =>
    (await verdicts(octets(ED25519 + RSA + MESSAGE.replace(from, to)), RECORDS)).map(({ reason }) => reason)
  assert.deepEqual(await changed('Joe.\n', 'Joe\n'), ['body-hash', 'body-hash'])
  assert.deepEqual(await changed('Is dinner ready?', 'Is dinner ready'), ['bad-signature', 'bad-signature'])
  assert.deepEqual(await changed('Subject: ', 'Subject: Buy this\nSubject: '), ['bad-signature', 'bad-signature'])
  assert.deepEqual(await changed('Subject: Is', 'Subject:   Is'), [undefined, undefined])
})

test('the Ed25519 key of the example publishes as the example says (RFC 8463 §A.2)', () => {
  const seed = Buffer.from('nWGxne/9WmC6hEr0kuwsxERJxWl7MmkZcDusAxyuf2A=', 'base64')
  const privateKey = createPrivateKey({
    key: Buffer.concat([Buffer.from('302e020100300506032b657004220420', 'hex'), seed]),
    format: 'der',
    type: 'pkcs8',
  })
  assert.equal(keyRecordText(privateKey), RECORDS['brisbane._domainkey.football.example.com'])
  const record = parseKeyRecord(RECORDS['brisbane._domainkey.football.example.com'])
  assert.ok(typeof record !== 'string' && record.publicKey.equals(createPublicKey(privateKey)))
})

test('the hashes of an empty body (RFC 6376 §3.4.3, §3.4.4)', () => {
  assert.deepEqual(hashOf(octets(''), [{ canonicalization: 'simple' }, { canonicalization: 'relaxed' }]), [
    'frcCV1k9oG9oKj3dpUqdJg1PxRT2RSN/XKdLCPjaYaY=',
    '47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU=',
  ])
})

test('the body hash of the example of 2011, which had one space between its sentences before it was typeset (RFC 6376 §A.2)', () => {
  const body = octets(MESSAGE.slice(MESSAGE.indexOf('\n\n') + 2).replace('.  ', '. '))
  assert.deepEqual(hashOf(body, [{ canonicalization: 'simple' }]), ['2jUSOH9NhtVGCQWNr9BrIAPreKQjO6Sn7XIkfJVOzv8='])
})

test('the signature of 2011 passes, simple in header and body, with the blanks that it was made over (RFC 6376 §A.2)', async () => {
  const signed = `DKIM-Signature: v=1; a=rsa-sha256; s=brisbane; d=example.com;
      c=simple/simple; q=dns/txt; i=joe@football.example.com;
      h=Received : From : To : Subject : Date : Message-ID;
      bh=2jUSOH9NhtVGCQWNr9BrIAPreKQjO6Sn7XIkfJVOzv8=;
      b=AuUoFEfDxTDkHlLXSZEpZj79LICEps6eda7W3deTVFOk4yAUoqOB
      4nujc7YopdG5dWLSdNg6xNAZpOPr+kHxt1IrE+NahM6L/LbvaHut
      KVdkLLkpVaVVQPzeRDI009SO2Il5Lu7rDNH6mZckBdrIx0orEtZV
      4bmp/YzhwvcubU4=;
Received: from client1.football.example.com  [192.0.2.1]
      by submitserver.example.com with SUBMISSION;
      Fri, 11 Jul 2003 21:01:54 -0700 (PDT)
${MESSAGE.replace('.  ', '. ')}`
  const records = {
    'brisbane._domainkey.example.com':
      'v=DKIM1; p=MIGfMA0GCSqGSIb3DQEBAQUAA4GNADCBiQKBgQDwIRP/UC3SBsEmGqZ9ZJW3/DkMoGeLnQg1fWn7/zYtIxN2SnFCjxOCKG9v3b4jYfcTNh5ijSsq631uBItLa7od+v/RtdC2UzJ1lWT947qR+Rcac2gbto/NMqJ0fzfVjH4OuKhitdY9tf6mcwGjaNBcWToIMmPSPDdQPNUYckcQ2QIDAQAB',
  }
  assert.equal((await verdicts(octets(signed), records))[0]?.result, 'pass')
  const refolded = signed.replace('SUBMISSION;\n      ', 'SUBMISSION;\n ')
  assert.equal((await verdicts(octets(refolded), records))[0]?.reason, 'bad-signature')
})
