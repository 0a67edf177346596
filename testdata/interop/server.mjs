// An event socket on the real socket.io, for the tests with the build tag "interop". It takes a port, 0 for a free one,
// and how many milliseconds it waits for the answer to a ping. It does what the lines of its input say, and tells what
// happens in lines of JSON.

import { createInterface } from 'node:readline';
import { Server } from 'socket.io';

const io = new Server({ pingInterval: 1000, pingTimeout: Number(process.argv[3]) });

const tell = note => process.stdout.write(`${JSON.stringify(note)}\n`);

io.on('connection', socket => {
  tell({ what: 'connected' });
  socket.on('disconnect', reason => tell({ what: 'disconnected', reason }));
  // As the socket of the service: the key is looked at later, and nothing is acknowledged.
  socket.on('subscribe', ({ channel, auth }) => setTimeout(() => {
    const welcome = auth.headers.Authorization === 'Bearer interop-key' && !channel.includes('foreign');
    welcome ? socket.join(channel) : socket.emit('subscription_error', channel, 403);
    tell({ what: welcome ? 'joined' : 'refused', channel });
  }, 20));
  socket.on('unsubscribe', ({ channel }) => {
    socket.leave(channel);
    tell({ what: 'left', channel });
  });
});

const commands = {
  emit: ({ channel, event, data }) => io.to(channel).emit(event, channel, data),
  count: ({ channel, to }) => {
    for (let n = 0; n < to; n++) {
      io.to(channel).emit('job.updated', channel, { n });
    }
    io.to(channel).emit('job.finished', channel, {});
  },
  large: ({ channel, size }) => io.to(channel).emit('job.updated', channel, { text: 'x'.repeat(size) }),
  binary: ({ channel }) => io.to(channel).emit('job.updated', channel, Buffer.from('binary')),
  kick: () => io.disconnectSockets(false),
  close: () => io.disconnectSockets(true)
};

createInterface({ input: process.stdin })
  .on('line', line => {
    const command = JSON.parse(line);
    commands[command.do](command);
  })
  .on('close', () => process.exit());

io.listen(Number(process.argv[2]), { transports: ['websocket'] });
io.httpServer.on('listening', () => tell({ what: 'listening', port: io.httpServer.address().port }));
