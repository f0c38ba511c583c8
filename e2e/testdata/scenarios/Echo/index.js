module.exports = async function (context, value) {
    return value;
};
