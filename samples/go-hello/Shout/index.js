module.exports = async function (context, text) {
    return text.toUpperCase();
};
