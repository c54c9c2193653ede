const answer = (request, response) => response.end("hello world\n");
require("http").createServer(answer).listen(3000, () => console.log("listening on 3000"));
