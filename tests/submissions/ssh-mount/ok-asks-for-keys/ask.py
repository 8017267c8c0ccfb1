import os, socket, struct

agent = socket.socket(socket.AF_UNIX)
agent.connect(os.environ["SSH_AUTH_SOCK"])
agent.sendall(struct.pack(">IB", 1, 11))
size = struct.unpack(">I", agent.recv(4, socket.MSG_WAITALL))[0]
answer = agent.recv(size, socket.MSG_WAITALL)
assert answer[0] == 12 and struct.unpack(">I", answer[1:5])[0] >= 1
print("agent-ok")
