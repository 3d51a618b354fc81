// A mail server that keeps what it gets.
import { once } from 'node:events';
import { createServer } from 'node:net';
import { createInterface } from 'node:readline';
import { createServer as createTlsServer } from 'node:tls';

/** Starts the server at a port, with TLS from the first byte if it has a certificate. */
export async function startMailServer(port, certificate) {
  const mails = [];
  const serve = async (socket) => {
    socket.on('error', () => socket.destroy());
    socket.write('220 mail ESMTP\r\n');
    let mail;
    for await (const line of createInterface({ input: socket })) {
      if (mail && line !== '.') mail.push(line.replace(/^\./, ''));
      else if (mail) {
        mails.push(mail.join('\n'));
        server.emit('mail');
        mail = undefined;
        socket.write('250 kept\r\n');
      } else if (/^DATA/i.test(line)) {
        mail = [];
        socket.write('354 go on\r\n');
      } else if (/^AUTH/i.test(line)) socket.write('235 welcome\r\n');
      else if (/^EHLO/i.test(line)) socket.write('250-mail\r\n250 AUTH PLAIN\r\n');
      else if (/^QUIT/i.test(line)) socket.end('221 bye\r\n');
      else socket.write('250 mail\r\n');
    }
  };
  const server = certificate ? createTlsServer(certificate, serve) : createServer(serve);
  await once(server.listen(port, '127.0.0.1'), 'listening');
  const next = async () => {
    while (mails.length === 0) await once(server, 'mail');
    return mails.shift();
  };
  return { next, stop: () => server.close() };
}
