const { randomUUID } = require("crypto");

module.exports = function (context, input) {
    const id = randomUUID();
    context.bindings.starter = [{
        FunctionName: "HelloWorld",
        Input: input,
        InstanceId: id
    }];
    context.log(`Starting HelloWorld with ID = '${id}'.`);

    context.done(null);
};
