import assert from 'node:assert/strict'
import { execFile } from 'node:child_process'
import { test } from 'node:test'
import { promisify } from 'node:util'
import { requireProgram } from '../support/programs.ts'
import { password, started, user } from './started.ts'

const script = `
import imaplib, json, poplib, smtplib, ssl, sys
p = json.loads(sys.argv[1]); user, password = sys.argv[2], sys.argv[3]
tls = ssl.create_default_context(); tls.check_hostname = False; tls.verify_mode = ssl.CERT_NONE
text = 'From: ann@home.test\\r\\nTo: ann@home.test\\r\\nSubject: %s\\r\\n\\r\\n.dots\\r\\nbody\\r\\n'
with smtplib.SMTP('127.0.0.1', p['submission']) as s:
    s.starttls(context=tls); s.login(user, password); s.sendmail(user, [user], text % 'one')
with smtplib.SMTP_SSL('127.0.0.1', p['submissions'], context=tls) as s:
    s.login(user, password); s.sendmail(user, [user], text % 'two')
with smtplib.LMTP('127.0.0.1', p['lmtp']) as s:
    s.sendmail('zoe@far.example', [user], text % 'three')
def plain(): return imaplib.IMAP4('127.0.0.1', p['imap'])
def upgraded():
    m = plain(); m.starttls(tls); return m
def implicit(): return imaplib.IMAP4_SSL('127.0.0.1', p['imaps'], ssl_context=tls)
for opened in (plain, upgraded, implicit):
    m = opened(); m.login(user, password)
    assert m.select('INBOX') == ('OK', [b'3'])
    assert m.search(None, 'SUBJECT', 'two')[1] == [b'2']
    assert b'.dots' in m.fetch('1', '(BODY.PEEK[TEXT])')[1][0][1]
    m.logout()
m = implicit(); m.login(user, password); m.select('INBOX')
assert m.append('Drafts', '(\\\\Draft)', None, (text % 'draft').encode())[0] == 'OK'
assert m.store('1', '+FLAGS', '(\\\\Flagged)')[0] == 'OK'
assert m.uid('MOVE', '1', 'Archive')[0] == 'OK'
assert m.select('Archive') == ('OK', [b'1'])
assert b'Flagged' in m.fetch('1', '(FLAGS)')[1][0]
assert m.select('Drafts') == ('OK', [b'1'])
m.store('1', '+FLAGS', '(\\\\Deleted)'); assert m.expunge() == ('OK', [b'1'])
m.logout()
q = poplib.POP3('127.0.0.1', p['pop3']); q.stls(tls); q.user(user); q.pass_(password)
assert q.stat()[0] == 2 and len(set(q.uidl()[1])) == 2
assert b'.dots' in q.retr(1)[1]
q.dele(1); q.quit()
q = poplib.POP3_SSL('127.0.0.1', p['pop3s'], context=tls); q.user(user); q.pass_(password)
assert q.stat()[0] == 1; q.quit()
print('through')
`

test(
  'Python sends, lists, reads, flags, moves and deletes over every kind of connection',
  { skip: requireProgram('python3'), timeout: 60_000 },
  async () => {
    await using server = await started()
    const ports = JSON.stringify(server.personal.server.ports)
    const { stdout } = await promisify(execFile)('python3', ['-c', script, ports, user, password], { timeout: 40_000 })
    assert.equal(stdout, 'through\n')
  },
)
