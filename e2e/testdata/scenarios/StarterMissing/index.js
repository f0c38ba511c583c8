// There is no binding called starter, so nothing is to be started.
module.exports = function (context, input) {
    context.bindings.starter = [{ FunctionName: "Sequence", InstanceId: "never-started" }];
    context.done();
};
