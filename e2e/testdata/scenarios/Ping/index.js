module.exports = async function (context, input) {
    if (input && input.fail) {
        throw new Error(input.fail);
    }
    return { pong: input };
};
