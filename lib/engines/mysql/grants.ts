/** In angle brackets is what the role's Secret says. @internal */
export const CREATE_USER = `create user if not exists '<user>'@'%' identified by '<password>';`;
