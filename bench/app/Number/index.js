module.exports = async function (context, name) {
    return name;
};
