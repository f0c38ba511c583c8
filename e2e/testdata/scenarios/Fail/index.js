module.exports = async function (context, message) {
    throw new Error(message);
};
