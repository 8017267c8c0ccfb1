import base64, os, socket, struct

agent = socket.socket(socket.AF_UNIX)
agent.connect(os.environ["SSH_AUTH_SOCK"])
agent.sendall(struct.pack(">IB", 1, 11))
size = struct.unpack(">I", agent.recv(4, socket.MSG_WAITALL))[0]
answer = agent.recv(size, socket.MSG_WAITALL)
key = answer[9:9 + struct.unpack(">I", answer[5:9])[0]]
print("ssh-ed25519", base64.b64encode(key).decode())
