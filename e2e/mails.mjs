// A mail server that keeps what it gets.
import { once } from 'node:events';
import { createServer } from 'node:net';
import { createInterface } from 'node:readline';

/** Starts the server at a port. */
export async function startMailServer(port) {
  const mails = [];
  const server = createServer(async (socket) => {
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
      } else if (/^QUIT/i.test(line)) socket.end('221 bye\r\n');
      else socket.write('250 mail\r\n');
    }
  });
  await once(server.listen(port, '127.0.0.1'), 'listening');
  const next = async () => {
    while (mails.length === 0) await once(server, 'mail');
    return mails.shift();
  };
  return { next, stop: () => server.close() };
}
