"""imaplib, poplib and smtplib over one transport: prints what each of them did, as JSON."""
import imaplib, json, poplib, smtplib, ssl, sys

ports, transport, user, password = json.loads(sys.argv[1]), sys.argv[2], sys.argv[3], sys.argv[4]
tls = ssl.create_default_context()
tls.check_hostname = False
tls.verify_mode = ssl.CERT_NONE
text = 'From: ann@home.test\r\nTo: ann@home.test\r\nSubject: %s\r\n\r\n.dots\r\nbody\r\n'
done = {'imaplib': [], 'poplib': [], 'smtplib': []}


def smtp():
    if transport == 'implicit':
        client = smtplib.SMTP_SSL('127.0.0.1', ports['submissions'], context=tls)
    else:
        client = smtplib.SMTP('127.0.0.1', ports['submission'])
        if transport == 'starttls':
            client.starttls(context=tls)
    client.login(user, password)
    return client


def imap(box='INBOX'):
    if transport == 'implicit':
        client = imaplib.IMAP4_SSL('127.0.0.1', ports['imaps'], ssl_context=tls)
    else:
        client = imaplib.IMAP4('127.0.0.1', ports['imap'])
        if transport == 'starttls':
            client.starttls(tls)
    client.login(user, password)
    assert client.select(box)[0] == 'OK'
    return client


def pop3():
    if transport == 'implicit':
        client = poplib.POP3_SSL('127.0.0.1', ports['pop3s'], context=tls)
    else:
        client = poplib.POP3('127.0.0.1', ports['pop3'])
        if transport == 'starttls':
            client.stls(tls)
    client.user(user)
    client.pass_(password)
    return client


# smtplib: a message, and one that breaks off within its data
with smtp() as s:
    for subject in 'one', 'two', 'three':
        s.sendmail(user, [user], text % subject)
done['smtplib'].append('send')
s = smtp()
s.mail(user), s.rcpt(user)
assert s.docmd('DATA')[0] == 354
s.send(text % 'half')
s.sock.close()
with smtp() as s:
    assert s.noop()[0] == 250
done['smtplib'].append('reconnect')

# imaplib
m = imap()
assert m.search(None, 'ALL')[1] == [b'1 2 3'], m.search(None, 'ALL')
assert m.search(None, 'SUBJECT', 'two')[1] == [b'2']
assert any(b'\\Archive' in line for line in m.list()[1])
done['imaplib'].append('list')
assert b'.dots' in m.fetch('1', '(BODY.PEEK[TEXT])')[1][0][1]
done['imaplib'].append('read')
assert m.store('2', '+FLAGS', '(\\Flagged kept)')[0] == 'OK'
done['imaplib'].append('flag')
state = m.fetch('1:*', '(UID FLAGS)')[1], m.response('UIDVALIDITY')[1], m.response('UIDNEXT')[1]
m.send(b'x1 FETCH 1:3 BODY.PEEK[]\r\n')
m.sock.close()
m = imap()
assert (m.fetch('1:*', '(UID FLAGS)')[1], m.response('UIDVALIDITY')[1], m.response('UIDNEXT')[1]) == state
done['imaplib'].append('reconnect')
m.send(b'x2 IDLE\r\n')
assert m.readline().startswith(b'+ ')
with smtp() as s:
    s.sendmail(user, [user], text % 'pushed')
line = m.readline()
while b'EXISTS' not in line:
    line = m.readline()
assert line == b'* 4 EXISTS\r\n', line
m.send(b'DONE\r\n')
line = m.readline()
while not line.startswith(b'x2 OK'):
    line = m.readline()
done['imaplib'].append('push')
m.logout()
m = imap()
assert m.uid('MOVE', m.fetch('2', '(UID)')[1][0].split()[2].rstrip(b')').decode(), 'Archive')[0] == 'OK'
m.logout()
m = imap('Archive')
assert b'Flagged kept' in m.fetch('*', '(FLAGS)')[1][0]
done['imaplib'].append('move')
m.store('1:*', '+FLAGS', '(\\Deleted)')
assert m.expunge()[0] == 'OK'
assert m.search(None, 'ALL')[1] == [b'']
done['imaplib'].append('delete')
m.logout()

# poplib
q = pop3()
assert q.stat()[0] == 3 and len(q.list()[1]) == 3 and len(set(q.uidl()[1])) == 3
done['poplib'].append('list')
assert b'.dots' in q.retr(1)[1] and b'.dots' in q.top(1, 1)[1]
done['poplib'].append('read')
uids = q.uidl()[1]
q.dele(1)
q.close()
q = pop3()
assert q.uidl()[1] == uids, 'RFC 1939 section 6: without QUIT nothing is removed'
done['poplib'].append('reconnect')
for number in 1, 2, 3:
    q.dele(number)
q.quit()
q = pop3()
assert q.stat()[0] == 0
q.quit()
done['poplib'].append('delete')
print(json.dumps(done))
